"""When an object is due: the cleanup window."""

from dataclasses import dataclass

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND

# Clocks of controllers and of the API server are taken to agree to within this.
SKEW_TOLERANCE = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run archives. Durations and times are nanoseconds; times since the Unix epoch.

    `retention`: from completion to cleanup. `lead`: how long before cleanup an object becomes due.
    `everything`: whatever is terminal is due, whatever its age (backfill). `since` (inclusive) and
    `until` (exclusive) narrow a backfill by completion time.
    """

    retention: int = 24 * HOUR
    lead: int = 6 * HOUR
    everything: bool = False
    since: int | None = None
    until: int | None = None

    def cleanup_deadline(self, completed_at: int, expiry: int | None) -> int:
        """The time at which cleanup may delete the object: its parent's word, where it has one."""
        return completed_at + self.retention if expiry is None else expiry

    def is_due(self, deadline: int, now: int) -> bool:
        """Whether `deadline` is no more than the lead away, or past."""
        return self.everything or deadline - now <= self.lead

    def wants(self, completed_at: int) -> bool:
        """Whether a completion time lies within --since and --until."""
        return (self.since is None or completed_at >= self.since) and (
            self.until is None or completed_at < self.until
        )
