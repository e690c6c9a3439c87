"""Which months of the archive may go: a pure function of what is stored, held and alive."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from archiver.errors import ArchiverError, Configuration, Integrity, ObjectError

_MONTH = re.compile("([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rows come from: a kind of a group, in a cluster."""

    cluster_id: str
    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.kind}.{self.group}"


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold of whole months, both ends included; None is open on that side."""

    name: str
    first: date | None
    last: date | None
    reason: str

    def covers(self, month: date) -> bool:
        """Whether this month must not go."""
        return (self.first is None or self.first <= month) and (
            self.last is None or month <= self.last
        )


@dataclass(frozen=True, slots=True)
class Living:
    """What a cluster was seen to hold: for each month, one of the objects born in it."""

    origin: Origin
    months: Mapping[date, str]


class Fate(StrEnum):
    """What becomes of a month."""

    DROPPED = "dropped"
    HELD = "held"
    LIVING = "living"
    UNKNOWN = "unknown"
    DAMAGED = "damaged"
    FAILED = "failed"


# A hold is what somebody wanted. What ends a month as failed ends the command, with its own code.
_EXIT_CODES: Final = {
    Fate.DROPPED: 0,
    Fate.HELD: 0,
    Fate.LIVING: ObjectError.exit_code,
    Fate.UNKNOWN: ObjectError.exit_code,
    Fate.DAMAGED: Integrity.exit_code,
    Fate.FAILED: 0,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A month's fate, and why in a sentence for people."""

    month: date
    fate: Fate
    why: str = ""

    @property
    def exit_code(self) -> int:
        """1 where a person has to look, 65 where the archive was changed, else 0."""
        return _EXIT_CODES[self.fate]


def judge(
    month: date,
    origins: Collection[Origin],
    *,
    holds: Sequence[Hold],
    living: Living,
    gone: Collection[str] = (),
) -> Verdict:
    """Whether a month that is over its time may be dropped.

    `origins` are those of its rows. `gone` names clusters, or `CLUSTER/KIND`, of which somebody
    vouches that nothing lives any more.
    """
    if found := [f"{hold.name!r} ({hold.reason})" for hold in holds if hold.covers(month)]:
        return Verdict(month, Fate.HELD, f"legal hold {', '.join(sorted(found))}")
    if alive := living.months.get(month):
        return Verdict(month, Fate.LIVING, f"{alive} was created in it and is still there")
    unread = sorted(
        str(origin)
        for origin in origins
        if origin != living.origin
        and not {origin.cluster_id, f"{origin.cluster_id}/{origin.kind}"} & set(gone)
    )
    if unread:
        why = (
            f"it has rows of {', '.join(unread)}, which was not looked at; if it is no more: --gone"
        )
        return Verdict(month, Fate.UNKNOWN, why)
    return Verdict(month, Fate.DROPPED)


def broken_off(month: date, error: ArchiverError) -> Verdict:
    """The verdict on a month at which an error came up. Of a damaged one nothing is dropped."""
    fate = Fate.DAMAGED if isinstance(error, Integrity) else Fate.FAILED
    return Verdict(month, fate, str(error))


def over_their_time(
    months: Collection[date], *, now: date, keep_months: int, before: date | None = None
) -> list[date]:
    """The months that are older than `keep_months` whole ones, and than `before`; oldest first.

    Raises Configuration where `before` reaches into what has to be kept.
    """
    limit = _months_ago(now, keep_months)
    if before is not None and before > limit:
        raise Configuration(
            f"--before {before:%Y-%m}: months from {limit:%Y-%m} on are kept "
            f"(keep_months is {keep_months})"
        )
    return sorted(month for month in months if month < (before or limit))


def parse_month(text: str, *, name: str) -> date:
    """The first day of a month written as YYYY-MM. Raises Configuration."""
    if (found := _MONTH.fullmatch(text)) and found[1] != "0000":
        return date(int(found[1]), int(found[2]), 1)
    raise Configuration(f"{name} {text!r}: a month is expected, such as 2019-04")


def _months_ago(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    if number < 12:  # before the year 1: nothing is that old
        return date.min
    return date(number // 12, number % 12 + 1, 1)
