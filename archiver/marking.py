"""The second half of a run: marks follow what is stored, page by page."""

import time
from collections import deque
from concurrent.futures import Future
from typing import Final

from archiver.backlog import Backlog
from archiver.domain.report import Outcome
from archiver.domain.tally import Tally
from archiver.errors import Integrity, Interrupted
from archiver.limits import Limits
from archiver.pending import Pending, Waiting
from archiver.ports import Marker, MarkOutcome, Source, Stop
from archiver.settling import NO_TIME, Settling, UnderWay
from archiver.storing import Storing

# Marks handed to the marker at once. One page is being marked and one more is there, so that the
# API server need not wait for us; of pages with few objects, for they are large, more of them.
_PAGES_AT_ONCE: Final = 2
_MARKS_AT_ONCE: Final = 64


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
        self._marker, self._tally, self._stop, self._limits = marker, tally, stop, limits
        self._read_back = storing.read_back
        self._settling = Settling(source, storing, tally, stop, limits=limits, start=self._start)
        self._backlog = Backlog(limits.ahead)
        self._under_way: deque[UnderWay] = deque()

    def add(self, waiting: Waiting, since: float) -> None:
        """A page that was stored; `since` is when that began (time.monotonic).

        Its marks begin when their turn comes. What has to be read again has no row of its last
        state yet, and is read now.
        """
        again = UnderWay((), waiting.again, waiting.stale, waiting.revised)
        if again.again and self._tally.error is None and not self._stop.expired():
            read_at = time.monotonic()
            anew = self._settling.read_anew(again)
            self._line_up(anew, read_at)
            again = UnderWay((), anew.again, anew.stale, anew.revised)
        if self._lost is not None:
            self._call_back()
        self._settling.finish(again)
        self._line_up(waiting, since)

    def _line_up(self, waiting: Waiting, since: float) -> None:
        if waiting.confirmed:
            self._backlog.add(Waiting(waiting.confirmed, revised=waiting.revised), since)

    def awaited(self) -> Future[MarkOutcome] | None:
        """What has to end before `advance` has something to do, where there is such a thing."""
        return self._under_way[0].awaited if self._under_way else None

    def advance(self) -> None:
        """Begin what there is room for and finish what has ended.

        Waits only where so much has been added that the memory is bounded by it.
        """
        self._begin()
        while self._under_way and (self._backlog.full or self._under_way[0].awaited is None):
            self._settling.finish(self._under_way.popleft())
            self._begin()

    def end(self) -> None:
        """Finish whatever was added."""
        self._begin()
        while self._under_way:
            self._settling.finish(self._under_way.popleft())
            self._begin()

    def _begin(self) -> None:
        while self._backlog and self._has_room:
            waiting, since = self._backlog.take()
            old = time.monotonic() - since > self._limits.believed
            if old and self._lost is None and not self._stop.expired():
                waiting = self._read_back.again(waiting)
            self._under_way.append(self._start(waiting))

    @property
    def _has_room(self) -> bool:
        pages = len(self._under_way)
        objects = sum(len(one.marks) + len(one.again) for one in self._under_way)
        return pages < _PAGES_AT_ONCE or objects < _MARKS_AT_ONCE

    def _start(self, waiting: Waiting) -> UnderWay:
        marks: list[tuple[Pending, Future[MarkOutcome]]] = []
        # Also where no mark is left to be made: others are under way.
        if self._lost is not None:
            self._call_back()
        if waiting.confirmed and (why := self._why_not()):
            for one in waiting.confirmed:
                self._tally.settle(one, Outcome.DEFERRED, why)
        else:
            marks = [(one, self._marker.mark(one, one.mark)) for one in waiting.confirmed]
        return UnderWay(marks, waiting.again, waiting.stale, waiting.revised)

    def _why_not(self) -> str:
        """Why nothing is marked any more; empty where it is. After another failure than these, what
        was confirmed is marked.
        """
        if self._lost is not None:
            return str(self._lost)
        if self._stop.expired():
            self._tally.fail(Interrupted(NO_TIME))
            return NO_TIME
        return ""

    @property
    def _lost(self) -> Integrity | None:
        return self._tally.error if isinstance(self._tally.error, Integrity) else None

    def _call_back(self) -> None:
        """Where the store has lost a row, nothing it says is believed any more: marks that are not
        sent yet are not sent.
        """
        for page in self._under_way:
            for _, future in page.marks:
                future.cancel()
