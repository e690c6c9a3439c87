"""However a run ends, its server ends with it, and nothing else on the machine has changed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.postgres.binaries import Installation, Kind, find_installation
from tests.postgres.errors import PostgresError
from tests.postgres.folder import PREFIX, memory_folder, stale_folders
from tests.postgres.server import PostgresServer
from tests.postgres.sql import value

KINDS = ["system", "wheel"]
TIMEOUT = 20  # seconds
ROOT = Path(__file__).parents[2]


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder for this test's servers, which everybody may pass, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def for_a_person(parent: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m tests.postgres` with its folder below `parent`, ended with the context."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.postgres", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.terminate()


def printed_url(program: subprocess.Popen[str]) -> str:
    """The first line of its standard output."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def wait_until_gone(url: str) -> None:
    """Return once nobody listens there."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            value(url, "SELECT 1")
        except psycopg.OperationalError as error:
            if "refused" in str(error):
                return
        time.sleep(0.05)
    pytest.fail(f"somebody still listens at {url}")


def postmaster_pid(folder: Path) -> int:
    """The process id of the server in the folder."""
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def test_closing_it_ends_it_at_once_and_a_terminal_does_not(parent: Path) -> None:
    with PostgresServer.start(parent=parent) as server:
        assert os.getpgid(postmaster_pid(server.socket_folder)) != os.getpgid(0)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        value(server.superuser_url(), "SELECT 1")
    assert list(parent.iterdir()) == []
    server.close()


def test_one_that_cannot_start_says_why_and_leaves_nothing(parent: Path) -> None:
    wrong = {"no_such_setting": "1"}
    with (
        pytest.raises(PostgresError, match="no_such_setting"),
        PostgresServer.start(settings=wrong, parent=parent),
    ):
        pass
    assert list(parent.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_person_ends_it_with_ctrl_c(parent: Path, ending: signal.Signals) -> None:
    with for_a_person(parent, "--set", "work_mem=5MB") as program:
        url = printed_url(program)
        assert value(url, "SHOW work_mem") == "5MB"
        program.send_signal(ending)
        assert program.wait(TIMEOUT) == 0
    wait_until_gone(url)
    assert list(parent.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_a_killed_run_whose_folder_can_then_be_removed(
    parent: Path, kind: str
) -> None:
    with for_a_person(parent, "--prefer", kind) as program:
        url = printed_url(program)
        [left] = parent.glob(f"{PREFIX}*")
        postmaster = postmaster_pid(left)
        os.kill(postmaster, signal.SIGSTOP)
        program.kill()
    held = list(stale_folders(parent))
    os.kill(postmaster, signal.SIGCONT)
    assert held == []  # the run was dead, its server was not
    wait_until_gone(url)
    deadline = time.monotonic() + TIMEOUT
    while not list(stale_folders(parent)) and time.monotonic() < deadline:
        time.sleep(0.05)  # the port goes first, the last process after it
    with for_a_person(parent, "--remove-stale", str(parent)) as cleaner:
        output, _ = cleaner.communicate(timeout=TIMEOUT)
    assert str(left) in output
    assert list(parent.iterdir()) == []


def test_it_ends_with_a_run_that_forgot_to_close_it(parent: Path) -> None:
    forgetful = (
        "from tests.postgres.server import PostgresServer\n"
        "print(PostgresServer.start().superuser_url())"
    )
    done = subprocess.run(
        [sys.executable, "-c", forgetful],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT,
    )
    wait_until_gone(done.stdout.strip())
    assert list(parent.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="where the kernel lists shared memory")
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_server_leaves_no_shared_memory(parent: Path, kind: Kind) -> None:
    def segments() -> list[str]:
        lines = Path("/proc/sysvipc/shm").read_text().splitlines()
        return [line.split()[1] for line in lines]

    with PostgresServer.start(find_installation(kind), parent=parent) as server:
        lock_file = server.socket_folder / "data" / "postmaster.pid"
        segment = lock_file.read_text().splitlines()[6].split()[1]
        assert segment in segments()
        server.kill()
    assert segment not in segments()
    assert list(parent.iterdir()) == []


def modes(*folders: Path) -> dict[Path, tuple[int, int, int]]:
    """Permissions and owners of the folders, of all that is in them and of all above them."""
    paths = {path for folder in folders for path in (folder, *folder.parents, *folder.rglob("*"))}
    found = {path: path.lstat() for path in paths}
    return {path: (stat.st_mode, stat.st_uid, stat.st_gid) for path, stat in found.items()}


def below(folder: Path, installation: Installation) -> Installation:
    """The same installation, made with a umask that lets nobody else in."""
    for part in installation.parts:
        shutil.copytree(installation.root / part, folder / part)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    moved = folder / installation.bin.relative_to(installation.root)
    return replace(installation, bin=moved, root=folder)


def test_the_wheel_runs_from_a_closed_folder_and_no_permission_changes(
    parent: Path, tmp_path: Path
) -> None:
    wheel = find_installation("wheel")
    closed = below(tmp_path, wheel)
    folders = [*(wheel.root / part for part in wheel.parts), closed.root]
    before = modes(*folders)
    with PostgresServer.start(closed, parent=parent) as server:
        assert value(server.superuser_url(), "SELECT 1") == 1
        assert server.installation.bin.is_relative_to(parent if os.geteuid() == 0 else closed.root)
    with PostgresServer.start(wheel, parent=parent) as server:
        assert value(server.superuser_url(), "SELECT 1") == 1
    assert modes(*folders) == before
