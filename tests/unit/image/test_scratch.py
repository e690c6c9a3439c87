"""What a build that was killed leaves among the temporary files goes with the next one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from image.folders import SETTLED
from image.interpreter import Interpreter
from image.scratch import scratch
from tests.e2e.waiting import eventually

# A build whose pip goes on, as far as it is told to.
KILLED = """
import os, signal, subprocess
from image.scratch import scratch
with scratch() as folder:
    (folder / "half a root").touch()
    print(folder, flush=True)
    child = subprocess.Popen(["cat"], stdout=subprocess.DEVNULL, close_fds=False)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nothing_is_left_of_one_that_ends(temporary: Path) -> None:
    with scratch() as folder:
        (folder / "file").touch()
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_one_goes_as_soon_as_none_of_its_children_writes_to_it(
    temporary: Path,
) -> None:
    reading, writing = os.pipe()
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=reading,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(reading)
    left = Path(killed.communicate()[0].strip())
    past = left.stat().st_mtime - SETTLED - 1
    os.utime(left, (past, past))
    with scratch():
        assert left.exists()
    os.close(writing)  # its child ends

    def is_gone() -> bool:
        with scratch():
            return not left.exists()

    eventually(is_gone)
    assert list(temporary.iterdir()) == []


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an image whose Python says that it runs, and then works for a long time."""
    root = tmp_path_factory.mktemp("root")
    (loader := root / "lib64/ld-linux-x86-64.so.2").parent.mkdir()
    loader.write_text('#!/bin/sh\nls -l /proc/self/fd\n: > "$PIP_RUNS"\nexec sleep "$PIP_WORKS"\n')
    loader.chmod(0o755)
    return root


def test_what_the_images_python_runs_holds_the_folder_too(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PIP_WORKS", "0")
    with scratch() as folder:
        assert f"-> {folder}\n" in Interpreter(root).run(["-c", ""])


def test_and_ends_with_a_build_that_is_killed(
    root: Path, temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs = tmp_path_factory.mktemp("sign") / "runs"
    program = "import sys; from pathlib import Path; from image.interpreter import Interpreter\n"
    killed = subprocess.Popen(
        [sys.executable, "-c", f"{program}Interpreter(Path(sys.argv[1])).run(['-c', ''])", root],
        env={
            **os.environ, "TMPDIR": str(temporary), "PIP_RUNS": str(runs), "PIP_WORKS": "600",
        },
    )  # fmt: skip
    eventually(runs.exists)
    killed.kill()
    killed.wait()
    (left,) = temporary.iterdir()
    past = left.stat().st_mtime - SETTLED - 1
    os.utime(left, (past, past))

    def is_gone() -> bool:
        with scratch():
            return not left.exists()

    eventually(is_gone)
