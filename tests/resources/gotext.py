"""Times and durations as Go writes them. Independent of `archiver.domain.gotime`, which reads
them: each is evidence for the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

SECOND: Final = 1_000_000_000
_UNITS: Final = ((1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


def nanoseconds(moment: datetime) -> int:
    """An aware datetime → nanoseconds since the epoch, exactly."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond * 1_000


def time(at: int) -> str:
    """Nanoseconds since the epoch → time.RFC3339Nano, which trims zeros: `…T10:00:00.5Z`."""
    seconds, fraction = divmod(at, SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}{_fraction(fraction, 9)}Z"


def meta_time(at: int) -> str:
    """Nanoseconds since the epoch → meta/v1 Time, which drops the fraction: `…T10:00:00Z`."""
    return time(at - at % SECOND)


def duration(lasted: int) -> str:
    """Nanoseconds → time.Duration's String: `250ms`, `1.5s`, `1m30.25s`, `1h0m0s`."""
    if lasted < 0:
        return f"-{duration(-lasted)}"
    if 0 < lasted < SECOND:
        size, unit = next(pair for pair in _UNITS if lasted >= pair[0])
        return f"{lasted // size}{_fraction(lasted % size, len(str(size)) - 1)}{unit}"
    minutes, rest = divmod(lasted, 60 * SECOND)
    text = f"{rest // SECOND}{_fraction(rest % SECOND, 9)}s"
    if minutes:
        text = f"{minutes % 60}m{text}"
    return f"{minutes // 60}h{text}" if minutes >= 60 else text


def _fraction(value: int, digits: int) -> str:
    return f".{value:0{digits}d}".rstrip("0") if value else ""
