"""However a node ends, the machine is as it was."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.cache import cache_root
from tests.e2e.machine.traces import NOTHING, of_run, server, traces
from tests.e2e.waiting import eventually
from tests.node import cgroups
from tests.node.janitor import remove_stale
from tests.node.place import PREFIX


@dataclass(frozen=True, slots=True)
class Run:
    """How to start a node, and where it says its name once a pod runs."""

    told: Path
    home: Path
    before: dict[str, object]

    def start(self, then: str, *through: str) -> "subprocess.Popen[bytes]":
        """A node with a pod in it, started by the command `through` if there is one."""
        inner = [sys.executable, "-m", "tests.e2e.machine.busy", str(self.told), then]
        node = [sys.executable, "-m", "tests.node", "run", "--", *inner]
        # A home of its own, so that whatever is there is the node's; with the cache of all.
        own = {"HOME": str(self.home), "XDG_CACHE_HOME": str(cache_root().parents[1])}
        return subprocess.Popen([*through, *node], env={**os.environ, **own})

    def left(self) -> dict[str, object]:
        """What bears its name."""
        return of_run(self.told.read_text())

    def assert_nothing_else_is_left(self) -> None:
        assert list(self.home.rglob("*")) == []
        assert traces() == self.before


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Not started yet."""
    (tmp_path / "home").mkdir()
    return Run(tmp_path / "name", tmp_path / "home", traces())


@contextmanager
def waiting(run: Run, *through: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One that does not end by itself; its pod runs."""
    with run.start("waits", *through) as process:
        try:
            eventually(lambda: run.told.exists() or process.poll() is not None, 120)
            assert process.poll() is None
            # There is something to leave behind; shared memory is not seen from here.
            left = run.left()
            assert left.pop("shared memory") == []
            assert all(left.values())
            yield process
        finally:
            process.kill()


def test_when_its_command_ends(run: Run, tmp_path: Path) -> None:
    # Where an earlier one has left nothing that hides what this one leaves.
    made = tmp_path / "made"
    pristine = [sys.executable, "-m", "tests.e2e.machine.pristine", str(made)]
    with run.start("ends", "unshare", "--mount", *pristine) as process:
        assert process.wait() == 0
    # At once: who comes back to the prompt finds the machine as it was.
    assert run.left() == NOTHING
    assert json.loads(made.read_text()) == []
    run.assert_nothing_else_is_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_when_it_is_told_to_end(
    run: Run, number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    with waiting(run) as process:
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert run.left() == NOTHING
    assert "unshare" not in capfd.readouterr().err
    run.assert_nothing_else_is_left()


# As a shell that is no terminal's starts what it does not wait for.
IGNORING_SIGINT = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")


@pytest.mark.parametrize("through", [(), IGNORING_SIGINT])
def test_when_it_is_interrupted_and_nobody_else(
    run: Run, through: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    with waiting(run, *through) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGINT
    assert run.told.with_suffix(".interrupted").exists()  # the command had the last word
    assert run.left() == NOTHING
    said = capfd.readouterr().err
    assert "unshare" not in said
    assert "Traceback" not in said
    run.assert_nothing_else_is_left()


def test_when_its_first_process_is_killed(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with waiting(run) as process:
        (first,) = children_of(server(run.told.read_text(), "unshare"))
        os.kill(first, signal.SIGKILL)
        assert process.wait(60) == 128 + signal.SIGKILL
    assert run.left() == NOTHING
    assert "unshare" not in capfd.readouterr().err
    run.assert_nothing_else_is_left()


def test_when_it_is_killed(run: Run) -> None:
    with waiting(run) as process:
        process.kill()
        process.wait()
    eventually(lambda: run.left() == NOTHING)
    run.assert_nothing_else_is_left()


def test_when_its_janitor_was_killed(run: Run) -> None:
    with waiting(run) as process:
        (janitor,) = filter(is_janitor, children_of(process.pid))
        os.kill(janitor, signal.SIGKILL)
        process.terminate()
        process.wait(60)
    assert run.left() == NOTHING
    run.assert_nothing_else_is_left()


def test_cgroups_of_which_nothing_else_is_left_go_with_the_next_node() -> None:
    name = f"{PREFIX}{secrets.token_hex(8)}"
    cgroups.create(name)
    try:
        remove_stale()
        assert name not in cgroups.names(PREFIX)
    finally:
        cgroups.remove(name)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_janitor(pid: int) -> bool:
    return b"tests.node.janitor" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_when_a_server_of_the_control_plane_dies(
    run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    with waiting(run) as process:
        os.kill(server(run.told.read_text(), "etcd"), signal.SIGKILL)
        assert process.wait(60) == 1
    assert run.left() == NOTHING
    said = capfd.readouterr().err
    assert "etcd ended with -9. The end of its log:" in said
    assert "Traceback" not in said
    run.assert_nothing_else_is_left()


def test_when_what_started_it_is_killed(run: Run) -> None:
    # As make does: starts it, and waits.
    starter = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    with waiting(run, sys.executable, "-c", starter) as process:
        process.kill()
        process.wait()
    eventually(lambda: run.left() == NOTHING)
    run.assert_nothing_else_is_left()


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder of its own for temporary files; tmp_path is too long for the kubelet's sockets."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("later", [0.0, 0.1])
def test_when_it_ends_as_soon_as_it_has_begun(
    temporary: Path, number: signal.Signals, later: float, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "tests.node", "run", "--", "true"]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)})
    try:
        while not (
            places := list(temporary.glob(f"{PREFIX}*"))
        ):  # no pause: the first moment counts
            assert process.poll() is None
        time.sleep(later)
        process.send_signal(number)
        assert process.wait(20) == {signal.SIGKILL: -9}.get(number, 128 + number)
    finally:
        process.kill()
        process.wait()
    (place,) = places
    eventually(lambda: of_run(place.name) == NOTHING and not place.exists())
    said = capfd.readouterr().err
    assert "unshare" not in said
    assert "Traceback" not in said
