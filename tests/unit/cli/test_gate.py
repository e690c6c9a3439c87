"""The look at the guard beside a run: what it amounts to when the report is made."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from archiver.cli import gate
from archiver.cli.gate import Inquiry
from archiver.kube import guard
from archiver.kube.guard import Finding, Gate

OF_WHAT: Any = (None, "g", "tickets")  # no client: nothing is sent


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Finding]], None]:
    """Takes the place of what asks the API server."""

    def install(answer: Callable[[], Finding]) -> None:
        monkeypatch.setattr(guard, "gate", lambda _client, **_names: answer())

    return install


Answers = Callable[[Callable[[], Finding]], None]


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Finding]]:
    """An answer that does not come before the run is over."""
    monkeypatch.setattr(gate, "_LAST_WAIT", 0)
    over = threading.Event()

    def wait() -> Finding:
        over.wait(60)
        return Finding(Gate.GUARD)

    yield wait
    over.set()


def ended() -> tuple[str | None, list[Any]]:
    """The gate, and the events."""
    inquiry = Inquiry()
    inquiry.begin(*OF_WHAT)
    with capture_logs() as logs:
        return inquiry.end(), list(logs)


def test_where_nobody_asked_nothing_is_said() -> None:
    with capture_logs() as logs:
        assert Inquiry().end() is None
    assert logs == []


def test_of_the_guard_no_event_is_logged(answers: Answers) -> None:
    answers(lambda: Finding(Gate.GUARD))
    assert ended() == ("guard", [])


@pytest.mark.parametrize("found", [Gate.PARTIAL, Gate.NONE])
def test_another_gate_has_its_reason_and_a_remedy(answers: Answers, found: Gate) -> None:
    answers(lambda: Finding(found, "so"))
    said, [event] = ended()
    assert (said, event["event"], event["gate"], event["why"]) == (found, "gate.off", found, "so")
    assert event["remedy"].startswith("kubectl apply -k deploy/guard/")
    assert "tickets.g" in event["remedy"]


def test_what_has_not_come_by_the_end_is_unknown(
    answers: Answers, never: Callable[[], Finding]
) -> None:
    answers(never)
    said, [event] = ended()
    assert (said, event["gate"]) == ("unknown", "unknown")
    assert event["why"] == "it could not be read before the run was over"
    assert "cannot be read" in event["remedy"]


def test_a_bug_is_told_and_costs_no_report(answers: Answers) -> None:
    def bug() -> Finding:
        raise ZeroDivisionError

    answers(bug)
    said, [failed, event] = ended()
    assert (said, failed["event"]) == ("unknown", "gate.failed")
    assert failed["exc_info"]
    assert event["why"] == "a bug: ZeroDivisionError()"
