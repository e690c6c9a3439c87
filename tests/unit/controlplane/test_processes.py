"""Server processes, with `sleep` for a server."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from image.folders import Workdir
from tests.controlplane.errors import ServerFailed
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until

SLEEP = ("/bin/sleep", "600")


@pytest.fixture
def process() -> Iterator[ServerProcess]:
    workdir = Workdir.fresh("archiver-test-")
    process = ServerProcess("server", workdir)
    yield process
    process.stop(0)
    workdir.remove()


def test_it_runs_in_its_own_session(process: ServerProcess) -> None:
    process.start(SLEEP)
    assert process.running
    stat = Path(f"/proc/{process.pid}/stat")
    if stat.exists():
        session = stat.read_text().rpartition(")")[2].split()[3]
        assert int(session) == process.pid


def test_it_outlives_the_thread_that_started_it(process: ServerProcess) -> None:
    thread = Thread(target=process.start, args=[SLEEP])
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert process.running


def test_it_does_not_start_twice(process: ServerProcess) -> None:
    process.start(SLEEP)
    with pytest.raises(ServerFailed, match="runs already"):
        process.start(SLEEP)


def test_a_paused_one_is_stopped_in_order(process: ServerProcess) -> None:
    process.start(SLEEP)
    process.pause()
    started = time.monotonic()
    process.stop(grace=30)
    assert time.monotonic() - started < 10
    assert not process.running


def test_one_that_does_not_listen_is_killed(process: ServerProcess) -> None:
    process.start(["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"])
    wait_until(lambda: "deaf" in process.log.read_text(), process, limit=10)
    process.stop(grace=0.2)
    assert not process.running


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_was_ended_by_somebody_else_is_an_error(
    process: ServerProcess, number: signal.Signals
) -> None:
    process.start(SLEEP)
    subprocess.run(["/bin/kill", f"-{number}", str(process.pid)], check=True)
    with pytest.raises(ServerFailed, match=f"server ended with -{number}"):
        wait_until(lambda: False, process, limit=10)


def test_what_cannot_be_done_without_a_process_is_an_error(process: ServerProcess) -> None:
    process.check()
    process.stop()
    for act in (process.pause, process.resume):
        with pytest.raises(ServerFailed, match="does not run"):
            act()


def test_an_error_shows_the_end_of_the_log(process: ServerProcess) -> None:
    process.start(["/bin/sh", "-c", "seq 1 100; exit 3"])
    with pytest.raises(ServerFailed, match=r"(?s)ended with 3.*  71\n.*  100$") as error:
        wait_until(lambda: False, process, limit=10)
    assert "  70\n" not in str(error.value)


def test_waiting_has_a_limit(process: ServerProcess) -> None:
    process.start(SLEEP)
    with pytest.raises(ServerFailed, match="not ready within 0 s"):
        wait_until(lambda: False, process, limit=0.2)
