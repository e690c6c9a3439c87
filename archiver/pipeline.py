"""One run: source → plan → store → confirm → mark, page by page, and a tally that adds up.

While one page is marked, the next is planned and stored and the one after it is listed; nothing
else is held. The order of the last three steps is the promise: no mark without a row that was read
back in another statement than the one that wrote it.
"""

import time
from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from archiver.domain.mark import DIGEST, carries_mark_of
from archiver.domain.plan import Archive, Decision, Quarantine, Terms, plan
from archiver.domain.report import Effect, Outcome
from archiver.domain.tally import Tally
from archiver.errors import ArchiverError, Integrity, Interrupted, MarkRefused, Unreadable
from archiver.ports import Marker, MarkOutcome, Page, Source, Stop, Store
from archiver.storing import Stored, Storing

# How often a wait looks up to see whether the run was told to end; seconds.
_GLANCE = 0.25

# What a dry run and the log add of a state from a file that is not the first one of its object.
# Which is the later one, a dry run of the client cannot tell.
_NOT_FIRST = "another state of it was archived before"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run. `tries` counts the first one; `backoff` is seconds, doubled every try."""

    tries: int = 5
    backoff: float = 0.1


@dataclass(frozen=True, slots=True)
class Stages:
    """The adapters of a run. Without a marker (files) what is confirmed is all there is to do."""

    source: Source
    store: Store
    marker: Marker | None


@dataclass(frozen=True, slots=True)
class _Marking:
    """Marks under way, and what has to be read again first; the rest as in `Stored`."""

    marks: Sequence[tuple[Archive, Future[MarkOutcome]]]
    again: list[Archive]
    stale: Mapping[str, str]
    revised: Container[str]


def run(
    stages: Stages, terms: Terms, tally: Tally, stop: Stop, *, limits: Limits = Limits()
) -> None:
    """Archive what is due, and count it in `tally`.

    Whatever ends the run early is in `tally.error`; nothing is raised but bugs.
    """
    _Run(stages, terms, tally, stop, limits=limits).pages()


def _ahead(pages: Iterator[Page], stop: Stop) -> Iterator[Page]:
    """The pages, the next one always being listed while the last is worked on."""
    lister = ThreadPoolExecutor(1, "list")
    try:
        upcoming = lister.submit(next, pages, None)
        while True:
            while not wait((upcoming,), _GLANCE).done:
                _refuse_when_stopped(stop)
            page = upcoming.result()
            if page is None:
                return
            _refuse_when_stopped(stop)
            upcoming = lister.submit(next, pages, None)
            yield page
    finally:
        lister.shutdown(wait=False, cancel_futures=True)


def _refuse_when_stopped(stop: Stop) -> None:
    if stop.requested():
        raise Interrupted("asked to stop; what is confirmed is marked, the next run goes on")


class _Run:
    """One run's two halves: pages go in at `pages`, their marks come back at `_finish`."""

    def __init__(
        self, stages: Stages, terms: Terms, tally: Tally, stop: Stop, *, limits: Limits
    ) -> None:
        self.source, self.marker = stages.source, stages.marker
        self.storing = Storing(stages.source, stages.store, terms, tally)
        self.terms, self.tally, self.stop, self.limits = terms, tally, stop, limits
        self.underway: deque[_Marking] = deque()

    def pages(self) -> None:
        try:
            for page in _ahead(self.source.pages(), self.stop):
                self.underway.append(self._begin(page))
                if len(self.underway) > 1:
                    self._finish(self.underway.popleft())
                if self.tally.error is not None:
                    break
        except ArchiverError as error:
            self.tally.fail(error)
        while self.underway:
            self._finish(self.underway.popleft())

    def _begin(self, page: Page) -> "_Marking":
        try:
            surroundings = self.source.surroundings(page)
        except ArchiverError as error:
            self.storing.defer(page, error)
            return _Marking((), [], {}, frozenset())
        decisions = [plan(resource, self.terms, surroundings) for resource in page.resources]
        return self._start_marks(self.storing.store(decisions, page.unparsed))

    def _start_marks(self, stored: Stored) -> "_Marking":
        lost = self.tally.error if isinstance(self.tally.error, Integrity) else None
        if lost is not None:
            self._call_back()
        marks = []
        for archive in stored.confirmed:
            if self.marker is None:
                not_first = archive.digest in stored.revised
                why = f"{archive.cause}; {_NOT_FIRST}" if not_first else str(archive.cause)
                self.tally.settle(archive.resource, Outcome.ARCHIVED, why)
            elif lost is not None:
                self.tally.settle(archive.resource, Outcome.DEFERRED, str(lost))
            else:
                marks.append((archive, self.marker.mark(archive.resource, archive.mark)))
        return _Marking(marks, stored.again, stored.stale, stored.revised)

    def _call_back(self) -> None:
        """Where the store has lost a row, nothing it says is believed any more: marks that are not
        sent yet are not sent. After any other failure what was confirmed is marked.
        """
        for marking in self.underway:
            for _, future in marking.marks:
                future.cancel()

    def _finish(self, marking: "_Marking") -> None:
        """Wait for the marks; read what has changed meanwhile again, store and mark it again."""
        for tried in range(1, self.limits.tries + 1):
            self._wait_for([future for _, future in marking.marks])
            for archive, future in marking.marks:
                self._settle(archive, future, marking)
            if not marking.again:
                return
            if self.tally.error is not None or self.stop.expired():
                break
            if tried < self.limits.tries:
                time.sleep(self.limits.backoff * 2 ** (tried - 1))
                marking = self._again(marking)
        for archive in marking.again:
            self.tally.settle(archive.resource, Outcome.DEFERRED, "changed while it was archived")

    def _wait_for(self, futures: Sequence[Future[MarkOutcome]]) -> None:
        # Not for one after the other: to be woken by each mark would cost as much as half of
        # sending it. First for what is sent last: a look at all of them costs 2 us each.
        for some in (futures[-1:], futures):
            while not self.stop.expired() and wait(some, _GLANCE).not_done:
                pass

    def _settle(self, archive: Archive, future: Future[MarkOutcome], marking: _Marking) -> None:
        try:
            if not future.done():
                future.cancel()
                raise Interrupted("no time left to mark it; the next run does")
            outcome = future.result()
        except CancelledError:
            self.tally.settle(archive.resource, Outcome.DEFERRED, str(self.tally.error))
        except MarkRefused as error:
            self.tally.refuse(archive.resource, error)
        except ArchiverError as error:
            self.tally.fail(error)
            self.tally.settle(archive.resource, Outcome.DEFERRED, str(error))
        else:
            if outcome is MarkOutcome.CONFLICT:
                marking.again.append(archive)
            elif outcome is MarkOutcome.GONE:
                self._gone(archive, marking)
            else:
                self._count_mark(archive)

    def _gone(self, archive: Archive, marking: _Marking) -> None:
        """It cannot be asked any more whether it said the earlier state again, after a list that
        was held up: another run would have settled that without a row.
        """
        if archive.digest in marking.revised:
            self.tally.doubt(archive.resource)
        else:
            self.tally.settle(archive.resource, Outcome.GONE, "gone after it was archived")

    def _count_mark(self, archive: Archive) -> None:
        self.tally.effects[Effect.MARKED] += 1
        # Not by its cause: what is due besides has a more urgent one.
        metadata = archive.resource.metadata
        before = (metadata.annotations or {}).get(DIGEST)
        if carries_mark_of(metadata, self.terms.store_id) and before != archive.mark.digest:
            self.tally.effects[Effect.RE_ARCHIVED] += 1
        self.tally.settle(archive.resource, Outcome.ARCHIVED, str(archive.cause))

    def _again(self, marking: "_Marking") -> "_Marking":
        """Read what has changed again, plan and store it anew, and start its marks."""
        self.tally.effects[Effect.RE_READ] += len(marking.again)
        decisions: list[Decision] = []
        unread = list(marking.again)
        try:
            while unread:
                decisions += self._reread(unread[-1], marking)
                unread.pop()
        except ArchiverError as error:
            self.tally.fail(error)
        for archive in unread:
            self.tally.settle(archive.resource, Outcome.DEFERRED, "could not be read again")
        stored = self.storing.store(decisions, stale=marking.stale)
        # Read a moment ago, and not in a list that may have been held up.
        stored.revised.clear()
        return self._start_marks(stored)

    def _reread(self, archive: Archive, marking: _Marking) -> list[Decision]:
        try:
            current = self.source.read(archive.resource)
        except Unreadable as error:
            return [Quarantine(archive.resource, error.reason, str(error))]
        if current is None:
            self._gone(archive, marking)
            return []
        page = Page([current])
        return [plan(current, self.terms, self.source.surroundings(page))]
