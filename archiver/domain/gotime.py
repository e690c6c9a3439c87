"""Go's durations and RFC 3339 times as integer nanoseconds, and back.

PostgreSQL never parses either: `'-1h30m'::interval` is minus 30 minutes there, `'µs'` is refused
and `'now'` is a time.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek letter mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
# Possessive: a megabyte of digits without a unit must not be tried in every division of it.
_TERM: Final = re.compile(r"(?=\.?[0-9])([0-9]*+)\.?([0-9]*+)(ns|us|µs|μs|ms|s|m|h)")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(?:\.([0-9]{1,9})[0-9]*+)?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400 * _SECOND
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC is understood
_EARLIEST: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
_LATEST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
# What Go writes for a time.Time that was never set: 0001-01-01T00:00:00Z.
ZERO: Final = _EARLIEST * _SECOND
# A client's library gives a time in the client's zone, up to 16 hours from UTC, where a calendar
# that ends with the same years has no room for what lies at its end.
_EARLIEST_ANYWHERE: Final = ZERO + _DAY
_BEYOND_ANYWHERE: Final = (_LATEST + 1) * _SECOND - _DAY
# Go counts in uint64 and allows the magnitude of the smallest int64 before it looks at the sign.
_MAX_MAGNITUDE: Final = 2**63
# PostgreSQL reads each number as a double, which from here on has no room for microseconds.
_LONGEST_IN_SECONDS: Final = 2**33
_SHOWN: Final = 40


class NotADuration(ValueError):
    """The text is no duration that Go's time.ParseDuration accepts."""


class NotATime(ValueError):
    """The text is no RFC 3339 time of the years 1 to 9999."""


def parse_duration(text: str) -> int:
    """Nanoseconds of a Go duration such as `1h2m3.5s`, `-1h30m`, `.5s`, `100ns` or `0`.

    The rule is Go's time.ParseDuration: an optional sign, then numbers each with a unit. Fractions
    below a nanosecond are dropped, with the very floating-point steps of Go, so both agree on the
    last digit. Raises NotADuration for everything else, and beyond the range of int64.
    """
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    if unsigned == "0":
        return 0
    total, at = 0, 0
    while at < len(unsigned):
        term = _TERM.match(unsigned, at)
        if term is None:
            break
        total += _nanoseconds(*term.groups())
        at = term.end()
        if total > _MAX_MAGNITUDE:
            raise NotADuration(f"{_shown(text)} is beyond the 292 years of a Go duration")
    if at == 0 or at < len(unsigned):
        raise NotADuration(
            f"{_shown(text)} is no Go duration: numbers each with a unit of h, m, s, ms, us or ns "
            "are, such as 1h30m or 1.5s"
        )
    nanoseconds = -total if text.startswith("-") else total
    if nanoseconds == _MAX_MAGNITUDE:
        raise NotADuration(f"{_shown(text)} is beyond the 292 years of a Go duration")
    return nanoseconds


def _nanoseconds(whole: str, fraction: str, unit: str) -> int:
    # 20 digits are beyond int64 whatever follows; int() itself refuses 4,301.
    size = _UNITS[unit]
    nanoseconds = int(whole.lstrip("0")[:20] or "0") * size
    digits, scale = _leading_digits(fraction)
    return nanoseconds + int(float(digits) * (size / scale))


def _leading_digits(fraction: str) -> tuple[int, float]:
    """The digits Go takes of a fraction, as an integer and the power of ten it is divided by.

    Go drops the digits from where the integer would leave uint64's lower half; it multiplies the
    scale step by step, and so does this, because the rounding of large powers depends on it.
    """
    digits, scale = 0, 1.0
    for digit in fraction:
        longer = digits * 10 + int(digit)
        if digits > (_MAX_MAGNITUDE - 1) // 10 or longer > _MAX_MAGNITUDE:
            break
        digits, scale = longer, scale * 10
    return digits, scale


def iso8601(ns: int) -> str:
    """ISO 8601 text of a duration in nanoseconds, floored to microseconds: `PT1.5S`, `PT-0.5S`.

    Floored towards minus infinity, because PostgreSQL's cast to interval rounds. In seconds alone,
    except beyond 272 years, where hours stand before them and both bear the sign.
    """
    microseconds = ns // 1_000
    sign = "-" if microseconds < 0 else ""
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    hours = ""
    if seconds >= _LONGEST_IN_SECONDS:
        whole, seconds = divmod(seconds, 3_600)
        hours = f"{sign}{whole}H"
    return f"PT{hours}{sign}{seconds}{_fraction(rest, 6)}S"


def parse_time(text: str) -> int:
    """Nanoseconds since the Unix epoch of an RFC 3339 time; digits beyond the ninth are dropped.

    Narrower than the RFC where Go is: `T` and `Z` are upper case, seconds end at 59. Narrower than
    Go where Go is lax: no comma for the point, no hour of one digit, no offset of 24 hours. The
    time must lie in the years 1 to 9999 of UTC, as neither Python nor PostgreSQL has a year 0, so
    that `to_datetime` takes every result. Raises NotATime.
    """
    # One object says the same time several times. What is longer would fill the memory.
    return _recent_time(text) if len(text) <= _SHOWN else _time(text)


def _time(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise _not_a_time(text)
    moment, fraction, zone = match.groups()
    try:
        # Without a zone it is half the work, and the API server writes no other than Z.
        if zone == "Z":
            since = datetime.fromisoformat(moment) - _EPOCH_WITHOUT_ZONE
        else:
            since = datetime.fromisoformat(moment + zone) - _EPOCH
    except ValueError:
        raise _not_a_time(text) from None
    seconds = since.days * 86_400 + since.seconds
    if not _EARLIEST <= seconds <= _LATEST:
        raise _not_a_time(text)
    return seconds * _SECOND + (int(fraction.ljust(9, "0")) if fraction else 0)


_recent_time: Final = lru_cache(64)(_time)


def is_readable_anywhere(ns: int) -> bool:
    """Whether no zone takes a time (nanoseconds since the epoch) out of the years 1 to 9999."""
    return _EARLIEST_ANYWHERE <= ns < _BEYOND_ANYWHERE


def format_time(ns: int) -> str:
    """RFC 3339 text in UTC of nanoseconds since the epoch, none of them lost, as RFC3339Nano in Go.

    Raises OverflowError outside the years 1 to 9999.
    """
    seconds, rest = divmod(ns, _SECOND)
    moment = (_EPOCH_WITHOUT_ZONE + timedelta(0, seconds)).isoformat()
    return f"{moment}{_fraction(rest, 9)}Z" if rest else f"{moment}Z"


def to_datetime(ns: int) -> datetime:
    """An aware UTC datetime, floored to microseconds, of nanoseconds since the epoch.

    Raises OverflowError outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(0, 0, ns // 1_000)


def from_datetime(moment: datetime) -> int:
    """Nanoseconds since the epoch of an aware datetime. Raises TypeError for a naive one."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


def _fraction(value: int, digits: int) -> str:
    return f".{value:0{digits}}".rstrip("0") if value else ""


def _not_a_time(text: str) -> NotATime:
    return NotATime(
        f"{_shown(text)} is no RFC 3339 time of the years 1 to 9999, "
        "such as 2024-01-31T23:59:59.5Z or 2024-01-31T23:59:59+01:00"
    )


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text):,} characters)"
