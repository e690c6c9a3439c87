"""However a node ends, the machine is as it was."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine.traces import NOTHING, of_run, places, traces
from tests.e2e.waiting import eventually


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """The file in which a run says its name, once a pod runs."""
    return tmp_path / "name"


@pytest.fixture
def before() -> dict[str, object]:
    """The machine, before the node is started."""
    return traces()


def started(told: Path, then: str) -> "subprocess.Popen[bytes]":
    """A node with a pod in it."""
    inner = [sys.executable, "-m", "tests.e2e.machine.busy", str(told), then]
    return subprocess.Popen([sys.executable, "-m", "tests.node", "run", "--", *inner])


@pytest.fixture
def waiting(before: dict[str, object], told: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """One that does not end by itself; its pod runs."""
    with started(told, "waits") as process:
        try:
            eventually(lambda: told.exists() or process.poll() is not None, 120)
            assert process.poll() is None
            # There is something to leave behind.
            assert all(of_run(told.read_text()).values())
            yield process
        finally:
            process.kill()


def test_when_its_command_ends(before: dict[str, object], told: Path) -> None:
    with started(told, "ends") as process:
        assert process.wait() == 0
    # At once: who comes back to the prompt finds the machine as it was.
    assert of_run(told.read_text()) == NOTHING
    assert traces() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_when_it_is_told_to_end(
    waiting: "subprocess.Popen[bytes]",
    before: dict[str, object],
    told: Path,
    number: signal.Signals,
) -> None:
    waiting.send_signal(number)
    waiting.wait(60)
    assert of_run(told.read_text()) == NOTHING
    assert traces() == before


def test_when_it_is_killed(
    waiting: "subprocess.Popen[bytes]", before: dict[str, object], told: Path
) -> None:
    waiting.kill()
    waiting.wait()
    eventually(lambda: of_run(told.read_text()) == NOTHING)
    assert traces() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_when_it_ends_as_soon_as_it_has_begun(
    before: dict[str, object], number: signal.Signals
) -> None:
    earlier = places()
    with subprocess.Popen([sys.executable, "-m", "tests.node", "run", "--", "true"]) as process:
        while not (new := places() - earlier):  # without a pause: the first moment counts
            assert process.poll() is None
        process.send_signal(number)
        process.wait(60)
    (name,) = new
    eventually(lambda: of_run(name) == NOTHING)
    assert traces() == before
