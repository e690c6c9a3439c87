"""Who hears of an object that was settled, and how loud."""

import json
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from archiver import log
from archiver.cli.observing import observer
from archiver.domain.plan import Reason
from archiver.domain.report import Outcome
from archiver.domain.tally import Settled


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("outcome", "why", "logged"),
    [
        (Outcome.NOT_DUE, str(Reason.UNREADABLE_STATUS), True),
        (Outcome.NOT_DUE, str(Reason.NOT_YET_DUE), False),
        (Outcome.ALREADY, "stored before", False),
        (Outcome.ARCHIVED, "due", True),
    ],
)
def test_objects_that_somebody_may_look_for_are_named_in_the_log(
    outcome: Outcome, why: str, logged: bool
) -> None:
    told: list[Settled] = []
    settled = Settled("n/a (uid u)", "u", outcome, why)
    with capture_logs() as logs:
        observer(told.append, "r", "none")(settled)
    assert told == [settled]
    assert [event["uid"] for event in logs] == ["u"] * logged


@pytest.mark.parametrize(
    ("exit_code", "level"),
    [(0, "info"), (1, "warning"), (75, "warning"), (65, "error"), (70, "error"), (78, "error")],
)
def test_an_object_is_logged_as_gravely_as_it_ended(exit_code: int, level: str) -> None:
    settled = Settled("n/a (uid u)", "u", Outcome.DEFERRED, "lost", exit_code=exit_code)
    with capture_logs() as logs:
        observer(lambda _settled: None, "r", "none")(settled)
    assert [event["log_level"] for event in logs] == [level]


def test_what_a_dry_run_logs_is_not_taken_for_done() -> None:
    with capture_logs() as logs:
        for dry_run in ("none", "client"):
            settled = Settled("n/a (uid u)", "u", Outcome.ARCHIVED, "due")
            observer(lambda _settled: None, "r", dry_run)(settled)
    assert [event.get("dry_run") for event in logs] == [None, "client"]


def test_a_line_names_the_run_the_object_and_what_became_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", "json")
    settled = Settled("n/a (uid u)", "u", Outcome.ARCHIVED, "due")
    observer(lambda _settled: None, "r", "server")(settled)
    [line] = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert list(event)[:3] == ["timestamp", "level", "event"]
    del event["timestamp"]
    assert event == {
        "level": "info",
        "event": "object.settled",
        "run_id": "r",
        "uid": "u",
        "object": "n/a (uid u)",
        "outcome": "archived",
        "why": "due",
        "dry_run": "server",
    }
