"""How long one request is repeated, and how long the pauses between are."""

import random
import time
from dataclasses import dataclass

import structlog
from urllib3 import BaseHTTPResponse, Retry
from urllib3.exceptions import InvalidHeader

from archiver.errors import Interrupted
from archiver.ports import Stop

_log = structlog.get_logger()

# How often a pause looks up to see whether the run is to end; seconds.
_GLANCE = 0.25


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of all attempts at one request, in seconds.

    `total` is from the first attempt to the start of the last. `factor` is the unit of the pauses,
    which double up to `longest`, with up to `jitter` more, so that a crowd of workers does not
    come back as one. A longer pause that the server asks for (Retry-After) is kept, or, where it
    would exceed the total, is the end.
    """

    total: float = 60.0
    factor: float = 0.1
    longest: float = 10.0
    jitter: float = 0.2


class Patience:
    """The repetitions of one request: urllib3's Retry counts them, a budget bounds them."""

    def __init__(self, budget: Budget, stop: Stop | None = None) -> None:
        """The clock starts here. `stop` ends a pause early where the run's own time is up."""
        self._deadline = time.monotonic() + budget.total
        self._budget = budget
        self._stop = stop
        # Made when it is needed, which is seldom: that would be 2 % of a patch's time.
        self._retry: Retry | None = None

    def pause(
        self, what: str, response: BaseHTTPResponse | None = None, error: Exception | None = None
    ) -> bool:
        """Wait before the next attempt; False, at once, where the budget does not allow one.

        Raises Interrupted.
        """
        counted = self._retry or self._nothing_repeated_yet()
        self._retry = retry = counted.increment(what, response=response, error=error)
        seconds = self._seconds(retry, response)
        if time.monotonic() + seconds > self._deadline:
            return False
        _log.info(
            "request.repeated",
            request=what,
            attempt=len(retry.history) + 1,
            seconds=round(seconds, 2),
            status=response.status if response else None,
            error=type(error).__name__ if error else None,
        )
        self._sleep(seconds)
        return True

    def _nothing_repeated_yet(self) -> Retry:
        return Retry(
            total=None,
            allowed_methods=None,  # whether to repeat is decided by the caller, for every method
            backoff_factor=self._budget.factor,
            backoff_max=self._budget.longest,
        )

    def _seconds(self, retry: Retry, response: BaseHTTPResponse | None) -> float:
        asked_for = _asked_for(retry, response) if response else None
        jitter = random.uniform(0, self._budget.jitter)  # noqa: S311 - to guess it gains nothing
        return (retry.get_backoff_time() if asked_for is None else asked_for) + jitter

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._stop is not None and self._stop.expired():
                raise Interrupted("the run ended while a request was about to be repeated")
            time.sleep(min(left, _GLANCE))


def _asked_for(retry: Retry, response: BaseHTTPResponse) -> float | None:
    try:
        return retry.get_retry_after(response)
    except InvalidHeader:
        return None
