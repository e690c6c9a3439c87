"""What `run` and `backfill` print, and when."""

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from archiver.cli.printing import printer
from archiver.domain.gotime import parse_time
from archiver.domain.report import Caution, Effect, Outcome, Problem, RunReport
from archiver.domain.tally import Settled
from archiver.errors import Unavailable
from archiver.kube.guard import Gate

UID = "0a1b2c3d-0000-4000-8000-00000000000"
LONG = "payment-service-of-the-north-western-region-high-memory-usage-in-production"
ONE = Settled(
    f"kubernaut-system/{LONG} (uid {UID}1)", f"{UID}1", Outcome.ARCHIVED, "overdue", "k.g/a"
)
TWO = Settled(f"kubernaut-system/b (uid {UID}2)", f"{UID}2", Outcome.NOT_DUE, "not due", "k.g/b")
LATER = replace(TWO, due_at=parse_time("2026-03-01T06:00:00.5Z"))


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def report(**more: Any) -> RunReport:
    given = {
        "outcomes": Counter({Outcome.ARCHIVED: 1, Outcome.NOT_DUE: 1}),
        "gate": Gate.NONE,
    } | more
    return RunReport(
        run_id="3f0c4d5e-9d3c-4a4c-8c1f-6b105f2f2a9c",
        mode="backfill --dry-run=server",
        cluster_id="c",
        store_id="s",
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        seconds=1,
        effects=Counter({Effect.INSERTED: 1, Effect.MARKED: 1}),
        **given,
    )


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize("objects", [(), (ONE,), (ONE, TWO)])
def test_a_dry_run_is_one_document_with_its_objects(
    capsys: pytest.CaptureFixture[str], output: str, objects: tuple[Settled, ...]
) -> None:
    printing = printer(output, dry_run=True)
    for one in objects:
        printing.settled(one)
    printing.finished(report())
    document = yaml.safe_load(out := capsys.readouterr().out)
    assert output == "yaml" or json.loads(out) == document
    assert document.pop("objects") == [
        {"object": one.object, "uid": one.uid, "outcome": str(one.outcome), "why": one.why}
        for one in objects
    ]
    assert document == report().as_dict()


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_what_becomes_due_says_when(capsys: pytest.CaptureFixture[str], output: str) -> None:
    printing = printer(output, dry_run=True)
    printing.settled(TWO)
    printing.settled(LATER)
    printing.finished(report())
    first, second = yaml.safe_load(capsys.readouterr().out)["objects"]
    assert second == first | {"dueAt": "2026-03-01T06:00:00.5Z"}


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_a_run_is_the_report_alone(capsys: pytest.CaptureFixture[str], output: str) -> None:
    printing = printer(output, dry_run=False)
    printing.settled(ONE)
    printing.finished(report())
    assert yaml.safe_load(capsys.readouterr().out) == report().as_dict()


@pytest.mark.parametrize(("terminal", "lines"), [(False, 1), (True, 40)])
def test_json_is_one_line_but_on_a_terminal(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    lines: int,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    printer("json", dry_run=False).finished(report())
    out = capsys.readouterr().out
    assert out.endswith("}\n")
    assert out.count("\n") == lines
    assert json.loads(out) == report().as_dict()


@pytest.mark.parametrize("output", ["json", "yaml", "table", "name"])
def test_an_object_is_printed_at_once_and_not_kept(
    capsys: pytest.CaptureFixture[str], output: str
) -> None:
    printing = printer(output, dry_run=True)
    printing.settled(ONE)
    first = capsys.readouterr().out
    assert (ONE.reference if output == "name" else ONE.uid) in first
    printing.settled(TWO)
    assert ONE.uid not in capsys.readouterr().out


@pytest.mark.parametrize("dry_run", [True, False])
def test_names_are_those_of_kubectl_and_of_what_is_archived_alone(
    capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    printing = printer("name", dry_run=dry_run)
    printing.settled(ONE)
    printing.settled(TWO)
    printing.finished(report())
    assert capsys.readouterr().out == "k.g/a\n"


def test_names_and_uids_are_whole_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    printing = printer("table", dry_run=True)
    printing.settled(ONE)
    printing.settled(TWO)
    assert capsys.readouterr().out.splitlines() == [
        f"would be archived    {ONE.object}: overdue",
        f"notDue               {TWO.object}: not due",
    ]
    printing.settled(LATER)
    line = f"notDue               {TWO.object}: not due: due at 2026-03-01T06:00:00.5Z\n"
    assert capsys.readouterr().out == line


def test_an_object_is_one_line_whatever_its_words_are(capsys: pytest.CaptureFixture[str]) -> None:
    printer("table", dry_run=True).settled(Settled("a\x1b[2J", "u", Outcome.GONE, "x\ny é"))
    assert capsys.readouterr().out == "gone                 a\\x1b[2J: x\\ny é\n"


def test_a_dry_run_does_not_read_as_if_it_had_written(capsys: pytest.CaptureFixture[str]) -> None:
    printer("table", dry_run=True).finished(report())
    shown = capsys.readouterr().out
    assert "dry run, nothing was written; effects would be: 1 inserted, 1 marked" in shown
    assert "would be stored" in shown
    assert "stored and confirmed" not in shown


def test_a_run_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem("n/x (uid u)", "u", "too-deep", "nested deeper than 100 levels")
    error = Unavailable("away")
    caution = Caution("status.unreadable", "status that is no object: 2")
    more = {"problems": (problem,), "error": error, "cautions": (caution,), "gate": "none"}
    printer("table", dry_run=False).finished(report(**more, ignored=Counter(Pod=3)))
    shown = " ".join(capsys.readouterr().out.split())
    for said in (
        "stored and confirmed",
        "n/x (uid u): too-deep: nested deeper than 100 levels",
        "ended early: away",
        "warning: status that is no object: 2",
        "passed over, of other kinds or names: 3",
        "gate: none",
        "effects: 1 inserted, 1 marked",
        "exit code 75",
    ):
        assert said in shown
    assert "dry run," not in shown
