"""What a run says besides its outcome, because it may be a mistake."""

import dataclasses
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from structlog.testing import capture_logs

from archiver.cli import cli, compose
from archiver.cli.cautions import cautions
from archiver.domain.report import Effect, Outcome, RunReport
from archiver.errors import Unavailable
from archiver.ports import UNKNOWN_CLUSTER
from archiver.settings import Settings, load
from archiver.shutdown import Shutdown


def warned(namespace: str | None = None, *, files: bool = False, **more: Any) -> dict[str, Any]:
    """The warnings of a run with this report, by their events; the report has them too."""
    usual = {"cluster_id": "c", "outcomes": Counter[Any](), "effects": Counter[Any]()}
    report = RunReport(
        run_id="r",
        mode="run",
        store_id="s",
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        seconds=1,
        **usual | more,
    )
    with capture_logs() as logs:
        given = cautions(report, namespace, files=files)
    assert [caution.reason for caution in given] == [event["event"] for event in logs]
    document = dataclasses.replace(report, cautions=given).as_dict()
    assert document["warnings"] == [caution.as_dict() for caution in given]
    return {event["event"]: event for event in logs}


def test_a_run_in_which_all_is_well_warns_of_nothing() -> None:
    assert warned() == {}


def test_files_of_an_unknown_cluster_are_said() -> None:
    found: dict[str, Any] = {"outcomes": Counter({Outcome.ARCHIVED: 1})}
    (event,) = warned(files=True, cluster_id=UNKNOWN_CLUSTER, **found).values()
    assert event["event"] == "cluster.unknown"
    assert "--cluster-id" in event["remedy"]
    assert warned(files=True, cluster_id="c", **found) == {}
    assert warned(files=True, cluster_id=UNKNOWN_CLUSTER) == {}


def test_phases_and_statuses_that_nobody_can_read_are_said() -> None:
    events = warned(unknown_phases={"odd": 2}, unreadable_status=3)
    assert events["phase.unknown"]["objects"] == 2
    assert events["status.unreadable"]["objects"] == 3


@pytest.mark.parametrize(
    ("namespace", "more", "warns"),
    [
        ("nosuch", {}, True),
        (None, {}, False),
        ("n", {"outcomes": Counter({Outcome.NOT_DUE: 1})}, False),
        ("n", {"error": Unavailable("away")}, False),
    ],
)
def test_a_namespace_in_which_nothing_was_found_is_said(
    namespace: str | None, more: dict[str, Any], warns: bool
) -> None:
    events = warned(namespace, **more)
    assert list(events) == ["namespace.empty"] * warns


@pytest.mark.parametrize(
    ("files", "revised", "warns"), [(True, 2, True), (True, 0, False), (False, 2, False)]
)
def test_states_of_files_that_follow_others_are_said(
    files: bool, revised: int, warns: bool
) -> None:
    events = warned(files=files, effects=Counter({Effect.REVISED: revised}))
    assert list(events) == ["order.unproven"] * warns


def test_a_run_that_cannot_go_on_ends_with_an_error_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ARCHIVER_DATABASE_URL", raising=False)
    # The handlers of signals and of garbage are the test session's.
    monkeypatch.setattr(Shutdown, "install", lambda _stop: None)
    monkeypatch.setattr(compose, "_collect_less", lambda: None)
    with capture_logs() as logs:
        result = compose.execute(Settings(), compose.Task("run"), lambda _settled: None)
    finished = next(event for event in logs if event["event"] == "run.finished")
    assert (result.exit_code, finished["log_level"]) == (78, "error")


def test_a_misspelt_variable_is_said_by_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARCHIVER_RETENTON", "48h")
    result = CliRunner().invoke(cli, ["settings"])
    assert "ARCHIVER_RETENTON is no setting; ARCHIVER_RETENTION is one" in result.stderr
    compose.configure_log(load())
    structlog.reset_defaults()
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["meant"]) == ("setting.unknown", "ARCHIVER_RETENTION")
