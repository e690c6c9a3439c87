"""One thread that carries all requests to one API server, and repeats them."""

import heapq
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from itertools import count
from typing import Any, Final

import structlog

from archiver.errors import ArchiverError, Interrupted, Unavailable
from archiver.kube.answer import Answer
from archiver.kube.clock import Clock
from archiver.kube.credentials import Credentials
from archiver.kube.lane import Call, Lane
from archiver.kube.login import Login, Network
from archiver.kube.moderation import Moderation
from archiver.kube.patience import Outage, Patience
from archiver.kube.readiness import Readiness
from archiver.kube.transfers import Lost, Transfers
from archiver.ports import Stop

_log = structlog.get_logger()

# Plain numbers: Python 3.11 takes longer to look up a member of an enumeration than to compare it.
_UNAUTHORIZED: Final = int(HTTPStatus.UNAUTHORIZED)
_TOO_MANY: Final = int(HTTPStatus.TOO_MANY_REQUESTS)
# How often a pause between attempts looks up to see whether the run is to end; seconds.
_GLANCE: Final = 0.25
# The longest sleep of a thread that has nothing to do; `submit` wakes it.
_LONG: Final = 60.0


class Dispatcher:
    """Sends calls as their lanes allow. Only `submit` and `close` are for other threads.

    One thread for all, and not one for each request under way: a request costs a fraction of the
    CPU, which on a small machine is the API server's.
    """

    def __init__(
        self, load: Callable[[], Credentials], network: Network, stop: Stop | None
    ) -> None:
        """`load` gives the configuration, and again when the server answers 401."""
        self._load, self._network, self._stop = load, network, stop
        self._login = Login(load(), network)
        self._transfers: Transfers[Call[Any]] = Transfers(network.connections)
        self._submitted: list[Call[Any]] = []
        self._later: list[tuple[float, int, Call[Any]]] = []
        self._lanes: dict[Lane, None] = {}
        self._moderation = Moderation()
        self._outage = Outage()
        self._readiness = Readiness(network.connections)
        self._number = count()
        self._lock = threading.Lock()
        self._asleep = self._closed = False
        self._thread: threading.Thread | None = None
        # What is said of whatever comes after the end.
        self._why_closed: ArchiverError = Interrupted("the client was closed")
        self.clock: Clock | None = None

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._login.server

    def submit(self, call: Call[Any]) -> None:
        """Line a call up in its lane. Its future ends whatever happens."""
        with self._lock:
            if self._closed:
                call.end(self._why_closed)
                return
            if self._thread is None:
                # A daemon: a request that hangs must not hold up the end of the process.
                self._thread = threading.Thread(target=self._run, name="requests", daemon=True)
                self._thread.start()
            self._submitted.append(call)
            if self._asleep:
                self._asleep = False
                self._transfers.wake()

    def close(self) -> None:
        """End the thread and close the connections. What is under way is given up."""
        with self._lock:
            closed, self._closed = self._closed, True
            if not closed:
                self._transfers.wake()
        if self._thread is not None:
            self._thread.join()
        self._transfers.close()

    def _run(self) -> None:
        try:
            while not self._closed:
                if not self._turn():
                    self._sleep()
        except BaseException as bug:
            self._why_closed = ArchiverError(f"a bug ended all requests: {bug!r}")
            raise
        finally:
            self._give_up(self._why_closed)

    def _turn(self) -> bool:
        """Send what may be sent, take what has come; whether anything has."""
        now = time.monotonic()
        self._admit(now)
        for lane in self._lanes:
            while (call := lane.next(now)) is not None:
                self._send(call)
        any_ended = False
        for call, result in self._transfers.finished():
            any_ended = True
            try:
                self._ended(call, result)
            except BaseException as bug:
                call.end(ArchiverError(f"a bug ended all requests: {bug!r}"))
                raise
        return any_ended

    def _admit(self, now: float) -> None:
        with self._lock:
            submitted, self._submitted = self._submitted, []
        for call in submitted:
            self._lanes.setdefault(call.lane)
            call.lane.add(call)
        if self._stop is not None and self._stop.expired():
            self._end_all(Interrupted("the run's time is up; what was asked for is given up"))
        while self._later and self._later[0][0] <= now:
            _, _, call = heapq.heappop(self._later)
            call.lane.add(call, first=True)

    def _end_all(self, error: BaseException) -> None:
        """End whatever has been begun, however far it is."""
        under_way = self._transfers.give_up()
        for call in under_way:
            call.lane.window.ended(call.sent, busy=None)
        calls = [*under_way, *(call for _, _, call in self._later)]
        self._later.clear()
        for lane in self._lanes:
            calls += lane.take_all()
        for call in calls:
            call.end(error)

    def _send(self, call: Call[Any]) -> None:
        call.patience = call.patience or Patience(self._network.budget, self._outage)
        call.login = call.login or self._login
        try:
            self._transfers.start(call.request, call.login, call)
        except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
            call.lane.fail(call, error)
        else:
            call.sent = call.lane.window.sent()

    def _sleep(self) -> None:
        coming_in = self._transfers.any_coming_in()
        time.sleep(self._moderation.pause(len(self._transfers), coming_in=coming_in))
        now = time.monotonic()
        left = [s for lane in self._lanes if (s := lane.left(now)) is not None]
        left += [self._later[0][0] - now] if self._later else []
        # Looked at often, so that the end of the run ends a pause, or an answer that never comes.
        busy = self._later or len(self._transfers)
        left += [_GLANCE] if busy and self._stop is not None else []
        with self._lock:
            if self._submitted or self._closed:
                return
            self._asleep = True
        self._transfers.wait(max(0.0, min([*left, _LONG])))
        self._asleep = False

    def _ended(self, call: Call[Any], result: Answer | Exception) -> None:
        if isinstance(result, Answer):
            self._moderation.took(time.monotonic() - call.sent)
            busy = result.status == _TOO_MANY
            call.lane.window.ended(call.sent, busy=busy)
            self._answered(call, result)
            return
        call.lane.window.ended(call.sent, busy=None)
        if isinstance(result, Lost):
            self._readiness.lost(call)
            if not self._is_repeated(call, error=result):
                doing = f"{call.request.name} at {self.server}"
                call.lane.fail(call, Unavailable(f"{doing}: {result}"))
        else:
            call.lane.fail(call, result)

    def _answered(self, call: Call[Any], answer: Answer) -> None:
        if self.clock is None and (date := answer.date) is not None:
            self.clock = Clock(date, time.time_ns())
        if answer.status == _UNAUTHORIZED and not call.renewed:
            self._log_in_again(call)
        elif not call.believed and self._readiness.is_in_doubt(answer):
            self._lanes.setdefault(self._readiness.lane)
            self._readiness.ask(call, answer, lambda: self._refused(call, answer))
        elif not call.request.is_worth_repeating(answer) or not self._is_repeated(call, answer):
            self._settle(call, answer)

    def _settle(self, call: Call[Any], answer: Answer) -> None:
        try:
            result = call.interpret(answer)
        except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
            call.lane.fail(call, error)
        else:
            call.future.set_result(result)

    def _refused(self, call: Call[Any], refusal: Answer) -> None:
        if call.believed:
            call.lane.add(call, first=True)
        elif not self._is_repeated(call, refusal):
            self._settle(call, refusal)

    def _is_repeated(
        self, call: Call[Any], answer: Answer | None = None, error: Exception | None = None
    ) -> bool:
        assert call.patience is not None  # noqa: S101 - for the type checker: it was sent
        if answer is not None and call.lane.is_repeated_in_vain(answer):
            return False
        seconds = call.patience.pause(call.request.name, answer, error)
        if seconds is None:
            if answer is not None:
                call.lane.used_up(answer)
            return False
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._number), call))
        return True

    def _log_in_again(self, call: Call[Any]) -> None:
        """Load the credentials anew, and send the call once more with them.

        All others wait meanwhile: they would be refused as well.
        """
        try:
            # Of many that were refused together, one loads.
            if self._login is call.login:
                _log.info("credentials.reloaded", server=self.server)
                self._login = Login(self._load(), self._network)
        except ArchiverError as error:
            call.lane.fail(call, error)
        else:
            call.renewed, call.login, call.patience = True, None, None
            call.lane.add(call, first=True)

    def _give_up(self, error: BaseException) -> None:
        """Whatever ended this thread: nobody may wait for ever."""
        with self._lock:
            self._closed = True
            submitted, self._submitted = self._submitted, []
        for call in submitted:
            call.end(error)
        self._end_all(error)
