"""Which months may go."""

from datetime import date

import pytest

from archiver.domain.retention import (
    Fate,
    Hold,
    Living,
    Origin,
    broken_off,
    judge,
    over_their_time,
    parse_month,
)
from archiver.errors import Configuration, Integrity, Unavailable

JUNE = date(2019, 6, 1)
OURS = Origin("c-1", "kubernaut.io", "Ticket")
EMPTY = Living(OURS, {})


def months(*texts: str) -> list[date]:
    return [parse_month(text, name="month") for text in texts]


def test_a_month_of_what_is_gone_may_go() -> None:
    verdict = judge(JUNE, {OURS}, holds=(), living=Living(OURS, {date(2019, 7, 1): "b"}))
    assert (verdict.fate, verdict.exit_code) == (Fate.DROPPED, 0)


def test_so_may_an_empty_one() -> None:
    assert judge(JUNE, (), holds=(), living=EMPTY).fate is Fate.DROPPED


@pytest.mark.parametrize(
    ("first", "last", "held"),
    [
        (JUNE, JUNE, True),
        (None, None, True),
        (None, JUNE, True),
        (JUNE, None, True),
        (date(2019, 1, 1), date(2019, 12, 1), True),
        (date(2019, 7, 1), None, False),
        (None, date(2019, 5, 1), False),
    ],
)
def test_a_hold_covers_both_its_ends(first: date | None, last: date | None, held: bool) -> None:
    verdict = judge(JUNE, {OURS}, holds=[Hold("case-7", first, last, "lawsuit")], living=EMPTY)
    assert verdict.fate is (Fate.HELD if held else Fate.DROPPED)
    assert verdict.exit_code == 0  # it is what somebody wanted
    assert verdict.why == ("legal hold 'case-7' (lawsuit)" if held else "")


def test_all_its_holds_are_named() -> None:
    holds = [Hold(name, None, None, "because") for name in ("b", "a")]
    assert judge(JUNE, (), holds=holds, living=EMPTY).why == (
        "legal hold 'a' (because), 'b' (because)"
    )


def test_what_still_lives_keeps_its_month_and_is_named() -> None:
    verdict = judge(JUNE, {OURS}, holds=(), living=Living(OURS, {JUNE: "default/rp-1 (uid u-1)"}))
    assert (verdict.fate, verdict.exit_code) == (Fate.LIVING, 1)
    assert "default/rp-1 (uid u-1)" in verdict.why


@pytest.mark.parametrize(
    ("other", "gone", "fate"),
    [
        (Origin("c-2", "kubernaut.io", "Ticket"), (), Fate.UNKNOWN),
        (Origin("c-1", "kubernaut.io", "Signal"), (), Fate.UNKNOWN),
        (Origin("c-1", "other.io", "Ticket"), (), Fate.UNKNOWN),
        (Origin("c-2", "kubernaut.io", "Ticket"), ("c-2",), Fate.DROPPED),
        (Origin("c-2", "kubernaut.io", "Ticket"), ("c-2/Ticket",), Fate.DROPPED),
        (Origin("c-2", "kubernaut.io", "Ticket"), ("c-2/Signal", "c-1"), Fate.UNKNOWN),
        (Origin("c-1", "kubernaut.io", "Signal"), ("c-1/Signal",), Fate.DROPPED),
    ],
)
def test_what_was_not_looked_at_has_to_be_vouched_for(
    other: Origin, gone: tuple[str, ...], fate: Fate
) -> None:
    verdict = judge(JUNE, {OURS, other}, holds=(), living=EMPTY, gone=gone)
    assert verdict.fate is fate
    assert (str(other) in verdict.why) is (fate is Fate.UNKNOWN)
    assert verdict.exit_code == (1 if fate is Fate.UNKNOWN else 0)


def test_vouching_for_a_cluster_does_not_overrule_what_was_seen_to_live() -> None:
    living = Living(OURS, {JUNE: "default/rp-1"})
    assert judge(JUNE, {OURS}, holds=(), living=living, gone=["c-1"]).fate is Fate.LIVING


def test_what_is_damaged_needs_a_person_and_what_failed_ends_the_command() -> None:
    damaged = broken_off(JUNE, Integrity("rows are gone"))
    assert (damaged.fate, damaged.why, damaged.exit_code) == (Fate.DAMAGED, "rows are gone", 65)
    failed = broken_off(JUNE, Unavailable("no answer"))
    assert (failed.fate, failed.why, failed.exit_code) == (Fate.FAILED, "no answer", 0)


def test_whole_months_are_kept() -> None:
    stored = months("2026-11", "2019-12", "2019-11", "2019-10", "2018-01")
    for day in (1, 30):
        over = over_their_time(stored, now=date(2026, 11, day), keep_months=84)
        assert over == months("2018-01", "2019-10")


@pytest.mark.parametrize("now", [date(2026, 1, 31), date(2026, 1, 1)])
def test_the_month_before_january_is_december(now: date) -> None:
    stored = months("2025-11", "2025-12", "2026-01")
    assert over_their_time(stored, now=now, keep_months=1) == months("2025-11")
    assert over_their_time(stored, now=now, keep_months=13) == []


def test_an_earlier_limit_may_be_given() -> None:
    stored = months("2018-01", "2018-02", "2018-03")
    before = date(2018, 3, 1)
    over = over_their_time(stored, now=date(2026, 11, 5), keep_months=84, before=before)
    assert over == months("2018-01", "2018-02")


def test_what_has_to_be_kept_is_not_given_up_for_a_typing_error() -> None:
    with pytest.raises(Configuration, match=r"--before 2026-01: months from 2019-11 on are kept"):
        over_their_time([], now=date(2026, 11, 5), keep_months=84, before=date(2026, 1, 1))


def test_keeping_for_ever_is_possible() -> None:
    assert over_their_time([date(2018, 1, 1)], now=date(26, 1, 1), keep_months=1200) == []


@pytest.mark.parametrize("text", ["2019", "2019-13", "2019-00", "19-01", "2019-1", "0000-01", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Configuration, match="--before"):
        parse_month(text, name="--before")
