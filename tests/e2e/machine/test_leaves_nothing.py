"""However a node ends, the machine is as it was."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine.traces import NOTHING, of_run, traces
from tests.e2e.waiting import eventually
from tests.node.place import PREFIX


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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("later", [0.0, 0.1])
def test_when_it_ends_as_soon_as_it_has_begun(
    tmp_path: Path, number: signal.Signals, later: float
) -> None:
    command = [sys.executable, "-m", "tests.node", "run", "--", "true"]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        while not (
            places := list(tmp_path.glob(f"{PREFIX}*"))
        ):  # no pause: the first moment counts
            assert process.poll() is None
        time.sleep(later)
        process.send_signal(number)
        assert process.wait(20) != 0
    finally:
        process.kill()
        process.wait()
    (place,) = places
    eventually(lambda: of_run(place.name) == NOTHING and not place.exists())
