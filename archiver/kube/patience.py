"""How long one request is repeated, and how long the pauses between are."""

import random
import time
from dataclasses import dataclass
from typing import Final

import structlog
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from archiver.kube.answer import Answer

_log = structlog.get_logger()

# An outage is over when nothing was repeated for so long: longer than one request pauses.
_OVER: Final = 15.0
# The longest time in which nothing is said of one; seconds.
_SILENCE: Final = 30.0


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


class Outage:
    """What is said of repetitions: not every one, but always how many there were.

    When an API server dies, everything under way is repeated, time and again. The first repetition
    is logged, then whenever their number has doubled, or nothing was said for half a minute.
    """

    def __init__(self) -> None:
        self._count = 0
        self._said_at = self._last = time.monotonic()

    def repeated(self, **facts: object) -> None:
        """One more repetition."""
        now = time.monotonic()
        if now - self._last > _OVER:
            self._count = 0
        self._last = now
        self._count += 1
        doubled = self._count & (self._count - 1) == 0
        if doubled or now - self._said_at >= _SILENCE:
            self._said_at = now
            _log.info("request.repeated", **facts, repetitions=self._count)


class Patience:
    """The repetitions of one request: urllib3's Retry counts them, a budget bounds them."""

    def __init__(self, budget: Budget, outage: Outage | None = None) -> None:
        """The clock starts here. `outage` is shared by requests that meet the same one."""
        self._deadline = time.monotonic() + budget.total
        self._budget = budget
        self._outage = outage or Outage()
        # Made when it is needed, which is seldom: that would be 2 % of a patch's time.
        self._retry: Retry | None = None

    def pause(
        self, what: str, answer: Answer | None = None, error: Exception | None = None
    ) -> float | None:
        """Seconds to wait before the next attempt; None where the budget does not allow one."""
        counted = self._retry or self._nothing_repeated_yet()
        self._retry = retry = counted.increment(what)
        seconds = self._seconds(retry, answer)
        if time.monotonic() + seconds > self._deadline:
            return None
        self._outage.repeated(
            request=what,
            attempt=len(retry.history) + 1,
            seconds=round(seconds, 2),
            status=answer.status if answer else None,
            error=str(error) if error else None,
        )
        return seconds

    def _nothing_repeated_yet(self) -> Retry:
        return Retry(
            total=None,
            allowed_methods=None,  # whether to repeat is decided by the caller, for every method
            backoff_factor=self._budget.factor,
            backoff_max=self._budget.longest,
        )

    def _seconds(self, retry: Retry, answer: Answer | None) -> float:
        asked_for = _asked_for(retry, answer) if answer else None
        jitter = random.uniform(0, self._budget.jitter)  # noqa: S311 - to guess it gains nothing
        return (retry.get_backoff_time() if asked_for is None else asked_for) + jitter


def _asked_for(retry: Retry, answer: Answer) -> float | None:
    wish = answer.header("Retry-After")
    try:
        return None if wish is None else retry.parse_retry_after(wish)
    except (InvalidHeader, ValueError, OverflowError):  # a date beyond all calendars among them
        return None
