"""Tries again what may go well later."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from archiver.errors import Unavailable

_log: Final = structlog.get_logger(__name__)
T = TypeVar("T")

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying; seconds from the first attempt. Waits double up to 5 seconds.

    `ended` says that the time for finishing is used up: then nothing is tried again.
    """

    seconds: float
    ended: Callable[[], bool] = lambda: False

    def attempt(self, what: str, action: Callable[[], T]) -> T:
        """The action's result, at the first attempt that is not met by Unavailable.

        Raises the last Unavailable once the time is used up or it has `ended`, and everything
        else at once.
        """
        until = time.monotonic() + self.seconds
        wait, attempts = _FIRST_WAIT, 1
        while True:
            try:
                return action()
            except Unavailable as error:
                if time.monotonic() + wait > until or self.ended():
                    raise
                _log.warning(
                    "store.retried", what=what, attempt=attempts, wait_s=wait, error=str(error)
                )
            time.sleep(wait)
            wait, attempts = min(wait * 2, _LONGEST_WAIT), attempts + 1


# How long a fail-over may take; half a minute is generous for a managed one.
A_FAILOVER: Final = Patience(30.0)
