"""Reads single values out of a resource, and says so where one cannot be trusted.

A reader takes a JSON value and returns what a column may hold, or raises `Untrusted` with the
slug of a flag. It never repairs: the bytes are stored anyway, and a person can read them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from archiver.domain import gotime

# U+0000 has no place in PostgreSQL's text, a lone surrogate none in UTF-8.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_HOLDS: Final = ("True", None)
_SEGMENT: Final = re.compile(r"([^.\[\]]+)|\[(\w+)=(\w+)\]")

Json: TypeAlias = Any
Steps: TypeAlias = tuple[str | tuple[str, str], ...]


class Missing:
    """The type of MISSING: no such path, or null or "" at its end."""


MISSING: Final = Missing()


class Untrusted(Exception):
    """The value is there but no column may hold it. `flag` is a stable slug."""

    def __init__(self, flag: str) -> None:
        super().__init__(flag)
        self.flag = flag


class Unset(Untrusted):
    """The value stands for none: the writer did not set it."""


def parse_path(path: str) -> Steps:
    """`status.conditions[type=Failed].message` → steps into objects, and one into a list.

    A `[key=value]` step chooses the first item of a list whose `key` is the text `value`; of
    conditions, the first that holds.
    """
    return tuple(name or (key, value) for name, key, value in _SEGMENT.findall(path))


def follow(tree: Json, steps: Steps) -> Json:
    """The value at the end of `steps`, or MISSING."""
    for step in steps:
        if isinstance(step, str):
            tree = tree.get(step, MISSING) if isinstance(tree, dict) else MISSING
        else:
            tree = _first_item(tree, *step)
        if tree is MISSING:
            return MISSING
    return MISSING if tree is None or tree == "" else tree


def _first_item(items: Json, key: str, value: str) -> Json:
    if not isinstance(items, list):
        return MISSING
    for item in items:
        # A condition whose status is False or Unknown says that it is not so.
        if isinstance(item, dict) and item.get(key) == value and item.get("status") in _HOLDS:
            return item
    return MISSING


def text(limit: int) -> Callable[[Json], str]:
    """A reader of text of at most `limit` bytes of UTF-8."""

    def read(value: Json) -> str:
        if not isinstance(value, str):
            raise Untrusted("not-text")
        if len(value) <= limit and value.isascii() and "\0" not in value:
            return value
        if _UNSTORABLE.search(value):
            raise Untrusted("unstorable-text")
        if len(value.encode()) > limit:
            raise Untrusted("too-long")
        return value

    return read


def texts(value: Json) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list):
        raise Untrusted("not-a-list")
    return [_text_in_list(item) for item in value]


_text_in_list: Final = text(1024)


def true_flags(*names: str) -> Callable[[Json], list[str]]:
    """A reader of an object of booleans: which of `names` are true, in that order."""

    def read(value: Json) -> list[str]:
        if not isinstance(value, dict):
            raise Untrusted("not-an-object")
        return [name for name in names if value.get(name) is True]

    return read


def number(low: float, high: float) -> Callable[[Json], float]:
    """A reader of a number within [low, high]; a boolean is none."""

    def read(value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Untrusted("not-a-number")
        # NaN is within no range. An int is compared exactly, however large it is.
        if not low <= value <= high:
            raise Untrusted("out-of-range")
        return value

    return read


def integer(low: int, high: int) -> Callable[[Json], int]:
    """A reader of a whole number within [low, high]."""

    def read(value: Json) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Untrusted("not-an-integer")
        return int(number(low, high)(value))

    return read


def boolean(value: Json) -> bool:
    """true or false, nothing that merely looks so."""
    if not isinstance(value, bool):
        raise Untrusted("not-a-boolean")
    return value


def time(value: Json) -> int:
    """RFC 3339 text → nanoseconds since the epoch; what a client in no zone fails to read."""
    if not isinstance(value, str):
        raise Untrusted("not-a-time")
    try:
        at = gotime.parse_time(value)
    except gotime.NotATime:
        raise Untrusted("not-a-time") from None
    if gotime.is_readable_anywhere(at):
        return at
    raise Unset("zero-time") if at == gotime.ZERO else Untrusted("not-a-time")


def duration(value: Json) -> int:
    """Go duration text → nanoseconds."""
    if not isinstance(value, str):
        raise Untrusted("not-a-duration")
    try:
        return gotime.parse_duration(value)
    except gotime.NotADuration:
        raise Untrusted("not-a-duration") from None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One place a value may stand in, and how it is read there. A path ends with a key."""

    path: str
    read: Callable[[Json], Any]
    within: str = field(init=False, compare=False)
    steps: Steps = field(init=False, compare=False)
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        within, _, key = self.path.rpartition(".")
        object.__setattr__(self, "within", within)
        object.__setattr__(self, "steps", parse_path(within))
        object.__setattr__(self, "key", key)


@dataclass(slots=True)
class Reader:
    """Reads fields of one resource and gathers the flags."""

    tree: Json
    flags: list[str] = field(default_factory=list)
    # Where the way was gone before: most fields stand beside others.
    _objects: dict[str, dict[str, Json]] = field(default_factory=dict)

    def first(self, name: str, alternatives: Iterable[Alternative]) -> Any:
        """The value at the first alternative that is there; None, and a flag, without one.

        A value that is there but cannot be trusted is not passed over for a later alternative:
        that would be a guess at what the writer meant.
        """
        value = self._read(name, alternatives)
        if value is not MISSING:
            return value
        self.flags.append(f"missing:{name}")
        return None

    def quiet(self, name: str, alternatives: Iterable[Alternative]) -> Any:
        """As `first`, where a missing value is nothing worth a flag."""
        value = self._read(name, alternatives)
        return None if value is MISSING else value

    def _read(self, name: str, alternatives: Iterable[Alternative]) -> Any:
        for alternative in alternatives:
            there = self._objects.get(alternative.within)
            if there is None:
                there = self._enter(alternative)
            value = there.get(alternative.key)
            if value is None or value == "":
                continue
            try:
                return alternative.read(value)
            except Unset as verdict:
                self.flags.append(f"{verdict.flag}:{name}")
            except Untrusted as verdict:
                self.flags.append(f"{verdict.flag}:{name}")
                return None
        return MISSING

    def _enter(self, alternative: Alternative) -> dict[str, Json]:
        """The object that a place is in, an empty one where there is none."""
        found = follow(self.tree, alternative.steps)
        there = found if isinstance(found, dict) else {}
        self._objects[alternative.within] = there
        return there
