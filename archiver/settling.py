"""What becomes of the marks of a page, and of objects that have changed meanwhile."""

import time
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass
from typing import Final

from archiver.domain.custom_resource import CustomResource
from archiver.domain.plan import Decision, plan
from archiver.domain.report import Effect, Outcome
from archiver.domain.tally import Tally
from archiver.errors import ArchiverError, Interrupted, MarkRefused, Unwritable
from archiver.limits import Limits
from archiver.pending import Pending, Waiting
from archiver.ports import MarkOutcome, Page, Source, Stop, Unparsed
from archiver.storing import Storing

NO_TIME: Final = "no time left to mark it; the next run does"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Marks of one page, and what of it has to be read again first; the rest as in `Stored`."""

    marks: Sequence[tuple[Pending, Future[MarkOutcome]]]
    again: list[Pending]
    stale: Mapping[str, str]
    revised: Container[str]

    @property
    def awaited(self) -> Future[MarkOutcome] | None:
        """One that has not ended, of those the one to be sent last."""
        return next((future for _, future in reversed(self.marks) if not future.done()), None)


class Settling:
    """Gives each object of a page its outcome."""

    def __init__(
        self,
        source: Source,
        storing: Storing,
        tally: Tally,
        stop: Stop,
        *,
        limits: Limits,
        start: Callable[[Waiting], UnderWay],
    ) -> None:
        """`start` begins the marks of what was stored anew."""
        self._source, self._storing, self._tally = source, storing, tally
        self._stop, self._limits, self._start = stop, limits, start

    def finish(self, page: UnderWay) -> None:
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
                page = self._start(self.read_anew(page))
        for one in page.again:
            self._tally.settle(one, Outcome.DEFERRED, "changed while it was archived")

    def _wait_for(self, futures: Sequence[Future[MarkOutcome]]) -> None:
        # Not for one after the other: to be woken by each mark would cost as much as half of
        # sending it. First for what is sent last: a look at all of them costs 2 us each.
        for some in (futures[-1:], futures):
            while not self._stop.expired() and wait(some, self._limits.glance).not_done:
                pass

    def _settle(self, one: Pending, future: Future[MarkOutcome], page: UnderWay) -> None:
        try:
            if not future.done():
                future.cancel()
                raise Interrupted(NO_TIME)
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

    def _gone(self, one: Pending, page: UnderWay) -> None:
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

    def read_anew(self, page: UnderWay) -> Waiting:
        """Read what has changed again, plan it anew and store it."""
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
        return stored.waiting()

    def _reread(self, one: Pending, page: UnderWay) -> Decision | Unparsed | None:
        """None where it is gone, which is its outcome."""
        current = self._source.read(one)
        if current is None:
            self._gone(one, page)
        if not isinstance(current, CustomResource):
            return current
        return plan(current, self._storing.terms, self._source.surroundings(Page([current])))
