"""When a run has to end: SIGTERM or Ctrl-C, or its own deadline."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType


class Shutdown:
    """Says when to stop listing (`requested`) and when to leave at once (`expired`).

    Kubernetes sends SIGTERM, waits terminationGracePeriodSeconds and then kills: `grace` is how
    many seconds of that are used for finishing what is held. `deadline` is seconds from now; it
    must lie before the Job's activeDeadlineSeconds, so that the run still reports.
    """

    def __init__(
        self, deadline: float, grace: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._grace = clock, grace
        self._stop_at = clock() + deadline
        self._signalled = threading.Event()

    def install(self) -> None:
        """Take SIGTERM and the first SIGINT; a second SIGINT ends the process as usual."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stop_at = min(self._stop_at, self._clock())
        self._signalled.set()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def requested(self) -> bool:
        """Whether to list nothing more."""
        return self._signalled.is_set() or self._clock() >= self._stop_at

    def expired(self) -> bool:
        """Whether the time for finishing is used up."""
        return self._clock() >= self._stop_at + self._grace
