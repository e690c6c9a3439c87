"""One run: source → plan → store → confirm → mark, page by page, and a tally that adds up.

Pages are listed and stored as fast as they come; their marks, of which the API server makes fewer,
follow (`marking`). The order of the last three steps is the promise: no mark without a row that was
read back in another statement than the one that wrote it.
"""

import time
from dataclasses import dataclass

from archiver.ahead import ahead
from archiver.domain.plan import Terms, plan
from archiver.domain.report import Outcome
from archiver.domain.tally import Tally
from archiver.errors import ArchiverError
from archiver.limits import Limits
from archiver.marking import Marking
from archiver.pending import Stored
from archiver.ports import Marker, Page, Source, Stop, Store
from archiver.storing import Storing

# What a dry run and the log add of a state from a file that is not the first one of its object.
# Which is the later one, a dry run of the client cannot tell.
_NOT_FIRST = "another state of it was archived before"


@dataclass(frozen=True, slots=True)
class Stages:
    """The adapters of a run. Without a marker (files) what is confirmed is all there is to do."""

    source: Source
    store: Store
    marker: Marker | None


def run(stages: Stages, terms: Terms, tally: Tally, stop: Stop, *, limits: Limits) -> None:
    """Archive what is due, and count it in `tally`.

    Whatever ends the run early is in `tally.error`; nothing is raised but bugs.
    """
    _Run(stages, terms, tally, stop, limits=limits).pages()


class _Run:
    """The first half of a run, up to what is confirmed; `marking` is the other one."""

    def __init__(
        self, stages: Stages, terms: Terms, tally: Tally, stop: Stop, *, limits: Limits
    ) -> None:
        self.source, self.terms, self.tally, self.stop = stages.source, terms, tally, stop
        self.glance = limits.glance
        self.storing = Storing(stages.source, stages.store, terms, tally)
        self.marking: Marking | None = None
        if stages.marker is not None:
            self.marking = Marking(
                stages.source, self.storing, tally, stop, marker=stages.marker, limits=limits
            )

    def pages(self) -> None:
        awaited = self.marking.awaited if self.marking else lambda: None
        try:
            for page in ahead(self.source.pages(), self.stop, self.glance, awaited):
                if page is not None:
                    self._take(page)
                if self.marking is not None:
                    self.marking.advance()
                if self.tally.error is not None:
                    break
        except ArchiverError as error:
            self.tally.fail(error)
        if self.marking is not None:
            self.marking.end()

    def _take(self, page: Page) -> None:
        try:
            surroundings = self.source.surroundings(page)
        except ArchiverError as error:
            self.storing.defer(page, error)
            return
        since = time.monotonic()
        decisions = [plan(resource, self.terms, surroundings) for resource in page.resources]
        stored = self.storing.store(decisions, page.unparsed)
        if self.marking is not None:
            self.marking.add(stored.waiting(), since)
        else:
            self._settle(stored)

    def _settle(self, stored: Stored) -> None:
        for archive in stored.confirmed:
            not_first = archive.digest in stored.revised
            why = f"{archive.cause}; {_NOT_FIRST}" if not_first else str(archive.cause)
            self.tally.settle(archive.resource, Outcome.ARCHIVED, why)
