"""One run: source → plan → store → confirm → mark, page by page, and a tally that adds up.

While one page is marked, the next is planned and stored and the one after it is listed; nothing
else is held. The order of the last three steps is the promise: no mark without a row that was read
back in another statement than the one that wrote it.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from archiver.domain.plan import Archive, Cause, Decision, Quarantine, Skip, Surroundings, Terms, plan
from archiver.domain.report import Effect, Outcome, Problem
from archiver.domain.tally import Tally
from archiver.errors import ArchiverError, Integrity, Interrupted, MarkRefused, Unreadable
from archiver.ports import Batch, Marker, MarkOutcome, Page, Quarantined, Source, Stop, Store

# How often a wait looks up to see whether the run was told to end; seconds.
_GLANCE = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run. `tries` counts the first one; `backoff` is seconds, doubled every try."""

    workers: int = 16
    tries: int = 5
    backoff: float = 0.1


@dataclass(frozen=True, slots=True)
class Stages:
    """The adapters of a run. Without a marker (files) what is confirmed is all there is to do."""

    source: Source
    store: Store
    marker: Marker | None


@dataclass(slots=True)
class Marking:
    """Confirmed objects whose marks are under way, and those that have to be read again first."""

    marks: list[tuple[Archive, Future[MarkOutcome]]] = field(default_factory=list)
    again: list[Archive] = field(default_factory=list)
    # uid → the resourceVersion that the archive takes for outdated
    stale: dict[str, str] = field(default_factory=dict)


def run(stages: Stages, terms: Terms, tally: Tally, stop: Stop, limits: Limits = Limits()) -> None:
    """Archive what is due. Whatever ends the run early is in `tally.error`; nothing is raised
    but bugs.
    """
    with ThreadPoolExecutor(limits.workers, "mark") as pool:
        _Run(stages, terms, tally, stop, limits, pool).run()
