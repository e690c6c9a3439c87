"""Folders of control planes, living and dead."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.controlplane.workdir import SETTLED, Workdir, remove_stale


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def age(workdir: Workdir) -> None:
    """Make it look older than any that is just being made."""
    past = workdir.path.stat().st_mtime - SETTLED - 1
    os.utime(workdir.path, (past, past))


def test_only_its_owner_can_read_it(temporary: Path) -> None:
    workdir = Workdir.fresh()
    assert workdir.path.parent == temporary
    assert workdir.path.stat().st_mode & 0o777 == 0o700
    workdir.remove()
    assert not workdir.path.exists()


def test_that_of_a_dead_run_is_removed() -> None:
    workdir = Workdir.fresh()
    age(workdir)
    os.close(workdir.lock)
    remove_stale()
    assert not workdir.path.exists()


def test_that_of_a_living_one_is_not() -> None:
    workdir = Workdir.fresh()
    age(workdir)
    remove_stale()
    assert workdir.path.exists()
    workdir.remove()


def test_a_young_one_is_not() -> None:
    workdir = Workdir.fresh()
    os.close(workdir.lock)
    remove_stale()
    assert workdir.path.exists()


def test_nor_what_only_has_the_name(temporary: Path) -> None:
    target = temporary / "somebody's"
    target.mkdir()
    link = temporary / "archiver-controlplane-link"
    link.symlink_to(target)
    remove_stale()
    assert target.exists()


def test_one_that_was_tidied_away_can_still_be_removed() -> None:
    workdir = Workdir.fresh()
    workdir.path.rmdir()
    workdir.remove()
