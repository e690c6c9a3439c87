"""Every object is settled once, and the gravest error ends the run."""

from datetime import UTC, datetime

import pytest

from archiver.domain.report import Effect, Outcome, Problem, RunReport
from archiver.domain.tally import MAX_PROBLEMS, MAX_UNKNOWN_PHASES, Settled, Tally
from archiver.errors import ArchiverError, Configuration, Integrity, MarkRefused, Unavailable
from tests.unit.domain.objects import UID, resource


def _report(tally: Tally) -> RunReport:
    return tally.report(
        run_id="r",
        mode="run",
        cluster_id="c",
        store_id="s",
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        seconds=1,
    )


def test_counts_and_tells() -> None:
    told: list[Settled] = []
    tally = Tally(told.append)
    one = resource()
    tally.settle(one, Outcome.ARCHIVED, "due")
    tally.quarantine(Problem("item 3", "", "not-json", "no object"))
    tally.refuse(one, MarkRefused(f"mark of {one}: 422"))
    tally.effects[Effect.MARKED] += 1
    named = "remediationprocessing.remediationprocessing.kubernaut.io/rp-1"
    assert told == [
        Settled(str(one), UID, Outcome.ARCHIVED, "due", named),
        Settled("item 3", "", Outcome.QUARANTINED, "no object", exit_code=1),
        Settled(str(one), UID, Outcome.DEFERRED, "cannot mark: 422", named, 1),
    ]
    report = _report(tally)
    assert report.found == 3
    assert report.effects[Effect.MARKED] == 1
    assert report.unmarkable == 1
    assert [(problem.reason, problem.message) for problem in report.problems] == [
        ("not-json", "no object"),
        ("mark-refused", "422"),
    ]
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(None, 75), (Unavailable("away"), 75), (Integrity("lost"), 65), (Configuration("no"), 78)],
)
def test_what_is_left_behind_is_as_grave_as_what_ended_the_run(
    error: ArchiverError | None, code: int
) -> None:
    told: list[Settled] = []
    tally = Tally(told.append, error=error)
    tally.settle(resource(), Outcome.ALREADY, "stored before")
    tally.settle(resource(), Outcome.DEFERRED, "left")
    tally.defer_bytes(Problem("item 3", "", "not-json", "no object"))
    assert [settled.exit_code for settled in told] == [0, code, code]


def test_problems_are_bounded_and_counted() -> None:
    tally = Tally()
    for _ in range(MAX_PROBLEMS + 2):
        tally.quarantine(Problem("o", "u", "r", "m"))
    report = _report(tally)
    assert len(report.problems) == MAX_PROBLEMS
    assert report.problems_not_shown == 2
    assert report.outcomes[Outcome.QUARANTINED] == MAX_PROBLEMS + 2


_TEMPORARY, _SETTING, _LOST = Unavailable("a"), Configuration("b"), Integrity("c")


@pytest.mark.parametrize(
    ("errors", "kept"),
    [
        ((_TEMPORARY,), _TEMPORARY),
        ((_TEMPORARY, _SETTING), _TEMPORARY),
        ((_TEMPORARY, _LOST), _LOST),
        ((_LOST, _SETTING), _LOST),
        ((_LOST, Integrity("d")), _LOST),
    ],
)
def test_the_first_error_counts_unless_integrity_is_lost(
    errors: tuple[ArchiverError, ...], kept: ArchiverError
) -> None:
    tally = Tally()
    for error in errors:
        tally.fail(error)
    assert _report(tally).error is kept


def test_bytes_that_could_not_be_kept_are_deferred_without_a_problem() -> None:
    tally = Tally()
    tally.defer_bytes(Problem("line 3", "u", "not-json", "cut"))
    assert tally.outcomes == {Outcome.DEFERRED: 1}
    assert tally.problems == []


def test_the_report_has_what_was_noted_besides() -> None:
    tally = Tally(gate="none", unreadable_status=3)
    tally.meet_phase("odd")
    tally.ignored["Pod"] += 2
    report = _report(tally)
    assert (report.gate, report.unreadable_status) == ("none", 3)
    assert (report.unknown_phases, report.ignored) == ({"odd": 1}, {"Pod": 2})


def test_unknown_phases_are_bounded() -> None:
    tally = Tally()
    for number in range(MAX_UNKNOWN_PHASES + 5):
        tally.meet_phase(f"word-{number}")
        tally.meet_phase("word-0")
    assert len(tally.unknown_phases) == MAX_UNKNOWN_PHASES
    assert tally.unknown_phases["word-0"] == MAX_UNKNOWN_PHASES + 6
