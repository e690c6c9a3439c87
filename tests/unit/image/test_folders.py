"""Folders among the temporary files, of the living and of the dead; and taking turns."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from image.folders import SETTLED, Workdir, only_one, only_one_in, remove_stale

PREFIX = "archiver-test-"
Turn = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def age(workdir: Workdir) -> None:
    """Make it look older than any that is just being made."""
    past = workdir.path.stat().st_mtime - SETTLED - 1
    os.utime(workdir.path, (past, past))


def test_only_its_owner_can_read_it(temporary: Path) -> None:
    workdir = Workdir.fresh(PREFIX)
    assert workdir.path.parent == temporary
    assert workdir.path.stat().st_mode & 0o777 == 0o700
    workdir.remove()
    assert not workdir.path.exists()


def test_that_of_a_dead_run_is_removed() -> None:
    workdir = Workdir.fresh(PREFIX)
    age(workdir)
    os.close(workdir.lock)
    remove_stale(PREFIX)
    assert not workdir.path.exists()


def test_that_of_a_living_one_is_not() -> None:
    workdir = Workdir.fresh(PREFIX)
    age(workdir)
    remove_stale(PREFIX)
    assert workdir.path.exists()
    workdir.remove()


def test_a_young_one_is_not() -> None:
    workdir = Workdir.fresh(PREFIX)
    os.close(workdir.lock)
    remove_stale(PREFIX)
    assert workdir.path.exists()


def test_nor_what_only_has_the_name(temporary: Path) -> None:
    target = temporary / "somebody's"
    target.mkdir()
    link = temporary / f"{PREFIX}link"
    link.symlink_to(target)
    remove_stale(PREFIX)
    assert target.exists()


def test_one_that_was_tidied_away_can_still_be_removed() -> None:
    workdir = Workdir.fresh(PREFIX)
    workdir.path.rmdir()
    workdir.remove()


@pytest.mark.parametrize(
    ("turn", "left"), [(only_one, ["folder", "folder.lock"]), (only_one_in, ["folder"])]
)
def test_a_second_process_waits_for_the_first(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], turn: Turn, left: list[str]
) -> None:
    (folder := tmp_path / "folder").mkdir()
    program = (
        f"from pathlib import Path; from image.folders import {turn.__name__} as turn\n"
        f"with turn(Path({str(folder)!r})): print('mine')"
    )
    with turn(folder):
        second = subprocess.Popen([sys.executable, "-c", program])
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(1)
    assert second.wait(30) == 0
    output = capfd.readouterr()
    assert output.out == "mine\n"
    assert "waiting" in output.err
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_yet_can_be_waited_for(tmp_path: Path) -> None:
    with only_one(tmp_path / "new" / "folder"):
        assert not (tmp_path / "new" / "folder").exists()
