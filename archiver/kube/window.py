"""How many requests are under way at once: fewer where the API server says that it is busy."""

import time
from typing import Final

import structlog

_log = structlog.get_logger()

# A second without a refusal allows one request more. Slower than any answer comes, so that a server
# with few seats refuses one request in some seconds and no more; fast enough to be back at 16 a
# quarter of a minute after a short overload.
_SECONDS_PER_STEP: Final = 1.0


class Window:
    """At most `most` requests at once; half as many after a 429, and one more each second after.

    The congestion control of TCP (RFC 5681: additive increase, multiplicative decrease), because
    the question is the same: how much is taken is known to the other side alone, and changes. The
    request that was refused waits as it was told (Retry-After); the others are not held up, but
    there are fewer of them. For one thread.
    """

    def __init__(self, most: int) -> None:
        """`most` is where it begins, and the most it comes back to."""
        self._most = most
        self._limit = most
        self._under_way = 0
        # When the last step was made, up or down; time.monotonic.
        self._changed = time.monotonic()

    @property
    def limit(self) -> int:
        """How many there may be at this moment; from 1 to `most`."""
        return self._limit

    @property
    def has_room(self) -> bool:
        """Whether one more may be sent."""
        return self._under_way < self._limit

    def sent(self) -> float:
        """One more is under way; gives the time."""
        self._under_way += 1
        return time.monotonic()

    def ended(self, sent: float, *, busy: bool | None) -> None:
        """The request of time `sent` was refused as too many (429), was not, or was lost (None)."""
        self._under_way -= 1
        if busy:
            self._shrink(sent)
        elif busy is False and self._limit < self._most:
            self._grow()

    def _shrink(self, sent: float) -> None:
        # What was sent before the last change was refused for the state before it: a crowd that is
        # refused together is one sign, and not sixteen.
        if sent >= self._changed and self._limit > 1:
            self._change(self._limit // 2)
            _log.info("window.reduced", limit=self._limit, most=self._most)

    def _grow(self) -> None:
        if time.monotonic() - self._changed >= _SECONDS_PER_STEP:
            self._change(self._limit + 1)

    def _change(self, limit: int) -> None:
        self._limit = limit
        self._changed = time.monotonic()
