"""The log: one event a line, without secrets."""

import json
from collections.abc import Iterator

import pytest
import structlog

from archiver import log


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_every_event_is_one_line_of_json_whatever_it_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", "json")
    structlog.get_logger().info("object.settled", why="two\nlines\x1b[31m", uid="u-1")
    [line] = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["uid"], event["why"]) == (
        "object.settled",
        "u-1",
        "two\nlines\x1b[31m",
    )


def test_secrets_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "auto")
    structlog.get_logger().info("x", db_password="canary", Authorization="canary")
    assert "canary" not in capsys.readouterr().err


def test_events_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("error", "console")
    structlog.get_logger().info("x")
    assert capsys.readouterr().err == ""
