"""The second half of a run: marks of what is confirmed, and what has changed meanwhile."""

import time
from collections import deque
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from typing import Final

from archiver.backlog import Backlog
from archiver.domain.custom_resource import CustomResource
from archiver.domain.plan import Decision, plan
from archiver.domain.report import Effect, Outcome
from archiver.domain.tally import Tally
from archiver.errors import (
    ArchiverError,
    Integrity,
    Interrupted,
    MarkRefused,
    Unwritable,
)
from archiver.limits import Limits
from archiver.pending import Pending, Waiting
from archiver.ports import Marker, MarkOutcome, Page, Source, Stop, Unparsed
from archiver.storing import Storing

# Marks handed to the marker at once. One page is being marked and one more is there, so that the
# API server need not wait for us; of pages with few objects, for they are large, more of them.
_PAGES_AT_ONCE: Final = 2
_MARKS_AT_ONCE: Final = 256

_NO_TIME: Final = "no time left to mark it; the next run does"


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """Marks of one page, and what of it has to be read again first; the rest as in `Stored`."""

    marks: Sequence[tuple[Pending, Future[MarkOutcome]]]
    again: list[Pending]
    stale: Mapping[str, str]
    revised: Container[str]

    @property
    def awaited(self) -> Future[MarkOutcome] | None:
        """One that has not ended, of those the one to be sent last."""
        return next((future for _, future in reversed(self.marks) if not future.done()), None)


class Marking:
    """Marks pages one after the other. For one thread, whose time it takes only where it must."""

    def __init__(
        self,
        source: Source,
        storing: Storing,
        tally: Tally,
        stop: Stop,
        *,
        marker: Marker,
        limits: Limits,
    ) -> None:
        self._source, self._marker, self._storing = source, marker, storing
        self._tally, self._stop, self._limits = tally, stop, limits
        self._backlog = Backlog(limits.ahead)
        self._under_way: deque[_UnderWay] = deque()

    def add(self, waiting: Waiting) -> None:
        """A page that is stored. Its marks begin when their turn comes."""
        if self._lost is not None:
            self._call_back()
        self._backlog.add(waiting)

    def awaited(self) -> Future[MarkOutcome] | None:
        """What has to end before `advance` has something to do, where there is such a thing."""
        return self._under_way[0].awaited if self._under_way else None

    def advance(self) -> None:
        """Begin what there is room for and finish what has ended.

        Waits only where so much has been added that the memory is bounded by it.
        """
        self._begin()
        while self._under_way and (self._backlog.full or self._under_way[0].awaited is None):
            self._finish(self._under_way.popleft())
            self._begin()

    def end(self) -> None:
        """Finish whatever was added."""
        self._begin()
        while self._under_way:
            self._finish(self._under_way.popleft())
            self._begin()

    @property
    def _lost(self) -> Integrity | None:
        return self._tally.error if isinstance(self._tally.error, Integrity) else None

    def _begin(self) -> None:
        while self._backlog and self._has_room:
            waiting, seconds = self._backlog.take()
            if seconds > self._limits.believed and not self._stop.expired():
                waiting = self._storing.read_back.again(waiting)
            self._under_way.append(self._start(waiting))

    @property
    def _has_room(self) -> bool:
        pages = len(self._under_way)
        marks = sum(len(one.marks) for one in self._under_way)
        return pages < _PAGES_AT_ONCE or marks < _MARKS_AT_ONCE

    def _start(self, waiting: Waiting) -> _UnderWay:
        marks: list[tuple[Pending, Future[MarkOutcome]]] = []
        if waiting.confirmed and (why := self._why_not()):
            for one in waiting.confirmed:
                self._tally.settle(one, Outcome.DEFERRED, why)
        else:
            marks = [(one, self._marker.mark(one, one.mark)) for one in waiting.confirmed]
        return _UnderWay(marks, waiting.again, waiting.stale, waiting.revised)

    def _why_not(self) -> str:
        """Why nothing is marked any more; empty where it is. After another failure than these, what
        was confirmed is marked.
        """
        if self._lost is not None:
            self._call_back()
            return str(self._lost)
        if self._stop.expired():
            self._tally.fail(Interrupted(_NO_TIME))
            return _NO_TIME
        return ""

    def _call_back(self) -> None:
        """Where the store has lost a row, nothing it says is believed any more: marks that are not
        sent yet are not sent.
        """
        for page in self._under_way:
            for _, future in page.marks:
                future.cancel()

    def _finish(self, page: _UnderWay) -> None:
        """Wait for the marks; read what has changed meanwhile again, store and mark it again."""
        for tried in range(1, self._limits.tries + 1):
            self._wait_for([future for _, future in page.marks])
            for one, future in page.marks:
                self._settle(one, future, page)
            if not page.again:
                return
            if self._tally.error is not None or self._stop.expired():
                break
            if tried < self._limits.tries:
                time.sleep(self._limits.backoff * 2 ** (tried - 1))
                page = self._again(page)
        for one in page.again:
            self._tally.settle(one, Outcome.DEFERRED, "changed while it was archived")

    def _wait_for(self, futures: Sequence[Future[MarkOutcome]]) -> None:
        # Not for one after the other: to be woken by each mark would cost as much as half of
        # sending it. First for what is sent last: a look at all of them costs 2 us each.
        for some in (futures[-1:], futures):
            while not self._stop.expired() and wait(some, self._limits.glance).not_done:
                pass

    def _settle(self, one: Pending, future: Future[MarkOutcome], page: _UnderWay) -> None:
        try:
            if not future.done():
                future.cancel()
                raise Interrupted(_NO_TIME)
            outcome = future.result()
        except CancelledError:
            self._tally.settle(one, Outcome.DEFERRED, str(self._tally.error))
        except MarkRefused as error:
            self._tally.refuse(one, error)
        except Unwritable as error:
            self._doubt_the_server(one, error)
        except ArchiverError as error:
            self._tally.fail(error)
            self._tally.settle(one, Outcome.DEFERRED, str(error))
        else:
            if outcome is MarkOutcome.CONFLICT:
                page.again.append(one)
            elif outcome is MarkOutcome.GONE:
                self._gone(one, page)
            else:
                self._count_mark(one)

    def _doubt_the_server(self, one: Pending, error: Unwritable) -> None:
        """Where it reads the object, what it cannot write is that object: no outage, the run goes
        on. On the first pages of a list all others may be marked already, and nothing else tells.
        """
        try:
            self._source.read(one)
        except ArchiverError:
            self._tally.fail(error)
            self._tally.settle(one, Outcome.DEFERRED, str(error))
        else:
            self._tally.refuse(one, error)

    def _gone(self, one: Pending, page: _UnderWay) -> None:
        """It cannot be asked any more whether it said the earlier state again, after a list that
        was held up: another run would have settled that without a row.
        """
        if one.digest in page.revised:
            self._tally.doubt(one)
        else:
            self._tally.settle(one, Outcome.GONE, "gone after it was archived")

    def _count_mark(self, one: Pending) -> None:
        self._tally.effects[Effect.MARKED] += 1
        self._tally.effects[Effect.RE_ARCHIVED] += one.replaces_mark
        self._tally.settle(one, Outcome.ARCHIVED, str(one.cause))

    def _again(self, page: _UnderWay) -> _UnderWay:
        """Read what has changed again, plan and store it anew, and start its marks."""
        self._tally.effects[Effect.RE_READ] += len(page.again)
        decisions: list[Decision] = []
        unparsed: list[Unparsed] = []
        unread = list(page.again)
        try:
            while unread:
                found = self._reread(unread[-1], page)
                unread.pop()
                if isinstance(found, Unparsed):
                    unparsed.append(found)
                elif found is not None:
                    decisions.append(found)
        except ArchiverError as error:
            self._tally.fail(error)
        for one in unread:
            self._tally.settle(one, Outcome.DEFERRED, "could not be read again")
        stored = self._storing.store(decisions, unparsed, page.stale)
        # Read a moment ago, and not in a list that may have been held up.
        stored.revised.clear()
        return self._start(stored.waiting())

    def _reread(self, one: Pending, page: _UnderWay) -> Decision | Unparsed | None:
        """None where it is gone, which is its outcome."""
        current = self._source.read(one)
        if current is None:
            self._gone(one, page)
        if not isinstance(current, CustomResource):
            return current
        return plan(current, self._storing.terms, self._source.surroundings(Page([current])))
