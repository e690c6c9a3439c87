"""Requests of one kind, in the order in which they may be sent."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from archiver.errors import ArchiverError
from archiver.kube.answer import Answer
from archiver.kube.login import Login
from archiver.kube.patience import Patience
from archiver.kube.request import Request
from archiver.kube.window import Window

_T = TypeVar("_T")

# Texts of faults may name their objects.
_MOST_FAULTS: Final = 100


@dataclass(slots=True, eq=False)
class Call(Generic[_T]):
    """A request with all its repetitions. `interpret` makes the result of the last answer.

    `sent` is the time of the attempt under way (time.monotonic). `renewed`: the credentials were
    loaded anew because of it. `believed`: the server is ready, so that a refusal counts.
    """

    request: Request
    lane: "Lane"
    interpret: Callable[[Answer], _T]
    future: "Future[_T]" = field(default_factory=Future)
    patience: Patience | None = None
    login: Login | None = None
    sent: float = 0.0
    renewed: bool = False
    believed: bool = False

    def may_be_sent(self) -> bool:
        """Whether nobody has cancelled it; from now on nobody can."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def end(self, error: BaseException) -> None:
        """End with an error."""
        if self.may_be_sent():
            self.future.set_exception(error)


class Pace:
    """An upper limit of requests per second. For one thread."""

    def __init__(self, most_per_second: float) -> None:
        """The limit holds from one request to the next: there are no bursts."""
        self._gap = 1.0 / most_per_second
        self._next = 0.0

    def left(self, now: float) -> float:
        """Seconds until the next one may be sent."""
        return self._next - now

    def take(self, now: float) -> None:
        """One is sent."""
        self._next = max(self._next, now) + self._gap


class Lane:
    """A queue with a window and a pace. For the thread that sends.

    What `ends_it` says of an error decides whether what still waits would fail in the same way: it
    is then not sent at all, but ends with that error. `fault_of` names what an answer blames, where
    others of its objects have to expect the same of it.
    """

    def __init__(
        self,
        window: Window,
        pace: Pace | None = None,
        *,
        ends_it: Callable[[ArchiverError], bool] = lambda _error: False,
        fault_of: Callable[[Answer], str | None] = lambda _answer: None,
    ) -> None:
        self.window = window
        self._pace = pace
        self._ends_it = ends_it
        self._fault_of = fault_of
        self._lasting: set[str] = set()
        self._waiting: deque[Call[object]] = deque()
        self._error: ArchiverError | None = None

    def add(self, call: Call[object], *, first: bool = False) -> None:
        """Line up; `first` for one that has been sent before."""
        if self._error is not None:
            call.end(self._error)
        elif first:
            self._waiting.appendleft(call)
        else:
            self._waiting.append(call)

    def next(self, now: float) -> Call[object] | None:
        """The one that may be sent now."""
        while self._waiting and self.window.has_room and not self.left(now):
            call = self._waiting.popleft()
            if call.may_be_sent():
                if self._pace is not None:
                    self._pace.take(now)
                return call
        return None

    def left(self, now: float) -> float | None:
        """Seconds until the pace allows another one; None where nothing waits for the pace."""
        if self._pace is None or not self._waiting or not self.window.has_room:
            return None
        return max(0.0, self._pace.left(now))

    def fail(self, call: Call[Any], error: BaseException) -> None:
        """A call has failed, and with it perhaps all that wait behind it."""
        call.end(error)
        if isinstance(error, ArchiverError) and self._error is None and self._ends_it(error):
            self._error = error
            while self._waiting:
                self._waiting.popleft().end(error)

    def is_repeated_in_vain(self, answer: Answer) -> bool:
        """Whether another call was repeated for the same fault until its budget was used up.

        Once is enough: a webhook that hangs for ten seconds would otherwise take a minute of each
        of its objects, and the objects behind them would never be reached.
        """
        return self._fault_of(answer) in self._lasting

    def used_up(self, answer: Answer) -> None:
        """A call was repeated until its budget was used up, and this was its last answer."""
        if len(self._lasting) < _MOST_FAULTS and (fault := self._fault_of(answer)):
            self._lasting.add(fault)

    def take_all(self) -> list[Call[object]]:
        """What has not been sent, and now never will be."""
        waiting, self._waiting = list(self._waiting), deque()
        return waiting
