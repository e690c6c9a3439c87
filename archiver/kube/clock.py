"""The API server's clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """The API server's clock beside ours, in nanoseconds since the epoch.

    The Date header has whole seconds, so `skew` (server minus local) means nothing below one.
    """

    server: int
    local: int

    @property
    def skew(self) -> int:
        """How far the server's clock is ahead of ours; nanoseconds."""
        return self.server - self.local
