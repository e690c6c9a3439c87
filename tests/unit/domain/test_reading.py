"""Single values: what a column may hold, and the flag of what it may not."""

from collections.abc import Callable
from typing import Any

import pytest

from archiver.domain import reading
from archiver.domain.reading import MISSING, Alternative, Reader, Untrusted, follow, parse_path

_TREE = {
    "a": {"b": 1, "null": None, "empty": "", "zero": 0, "false": False},
    "list": [5, {"type": "Other"}, {"type": "Failed", "message": "m"}],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("a.zero", 0),
        ("a.false", False),
        ("a.null", MISSING),
        ("a.empty", MISSING),
        ("a.x", MISSING),
        ("a.b.c", MISSING),
        ("x.y", MISSING),
        ("list[type=Failed].message", "m"),
        ("list[type=Nothing].message", MISSING),
        ("a[type=Failed].message", MISSING),
        ("list.type", MISSING),
    ],
)
def test_follow(path: str, value: Any) -> None:
    assert follow(_TREE, parse_path(path)) == value


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (reading.text(4), "éé", "éé"),
        (reading.texts, ["a", "b"], ["a", "b"]),
        (reading.texts, [], []),
        (reading.true_flags("x", "y"), {"y": True, "x": True}, ["x", "y"]),
        (reading.true_flags("x", "y"), {"x": "true", "y": 1}, []),
        (reading.number(0, 1), 1, 1),
        (reading.number(0, 1), 0.5, 0.5),
        (reading.integer(0, 9), 9, 9),
        (reading.boolean, False, False),
        (reading.time, "1970-01-01T00:00:00.000000001Z", 1),
        (reading.duration, "-1h30m", -5_400_000_000_000),
    ],
)
def test_values(read: Callable[[Any], Any], value: Any, result: Any) -> None:
    assert read(value) == result


@pytest.mark.parametrize(
    ("read", "value", "flag"),
    [
        (reading.text(4), 5, "not-text"),
        (reading.text(4), "a\0", "unstorable-text"),
        (reading.text(4), "\udfff", "unstorable-text"),
        (reading.text(4), "ééé", "too-long"),
        (reading.texts, "a", "not-a-list"),
        (reading.texts, ["a", 1], "not-text"),
        (reading.true_flags("x"), [], "not-an-object"),
        (reading.number(0, 1), True, "not-a-number"),
        (reading.number(0, 1), "1", "not-a-number"),
        (reading.number(0, 1), 1.01, "out-of-range"),
        (reading.number(0, 1), float("nan"), "out-of-range"),
        (reading.number(0, 1), float("inf"), "out-of-range"),
        (reading.number(0, 1), 10**400, "out-of-range"),
        (reading.integer(0, 9), 1.0, "not-an-integer"),
        (reading.integer(0, 9), True, "not-an-integer"),
        (reading.integer(0, 9), 10, "out-of-range"),
        (reading.boolean, "true", "not-a-boolean"),
        (reading.time, 1704067200, "not-a-time"),
        (reading.time, "now", "not-a-time"),
        (reading.duration, 5, "not-a-duration"),
        (reading.duration, "5M", "not-a-duration"),
    ],
)
def test_values_that_cannot_be_trusted(read: Callable[[Any], Any], value: Any, flag: str) -> None:
    with pytest.raises(Untrusted) as caught:
        read(value)
    assert caught.value.flag == flag


_PLACES = tuple(Alternative(path, reading.boolean) for path in ("a", "b"))


@pytest.mark.parametrize(
    ("tree", "value", "flags"),
    [
        ({"b": True}, True, []),
        ({"a": False, "b": True}, False, []),
        # What cannot be trusted is not passed over for a later place.
        ({"a": "yes", "b": True}, None, ["not-a-boolean:name"]),
        ({}, None, ["missing:name"]),
    ],
)
def test_reader(tree: Any, value: Any, flags: list[str]) -> None:
    reader = Reader(tree)
    assert reader.first("name", _PLACES) is value
    assert reader.flags == flags


def test_quiet_is_silent_about_what_is_missing_alone() -> None:
    reader = Reader({}, ["missing:name"])
    assert reader.quiet("name", _PLACES) is None
    assert reader.flags == ["missing:name"]
    assert Reader({"a": True}).quiet("name", _PLACES) is True
    reader = Reader({"a": 1})
    assert reader.quiet("name", _PLACES) is None
    assert reader.flags == ["not-a-boolean:name"]
