"""The folder of a server: private, whole, and recognised when its run is dead."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.account import Account
from tests.postgres.errors import PostgresError
from tests.postgres.folder import PREFIX, Folder, memory_folder, stale_folders

OURSELVES = Account("ourselves", os.geteuid(), os.getegid())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    fresh = Folder.fresh(tmp_path, None)
    yield fresh
    if fresh.path.exists():
        fresh.remove()


def test_nobody_else_can_enter_it_or_read_what_is_written(folder: Folder) -> None:
    written = folder.write("secret", b"x")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert written.stat().st_mode & 0o777 == 0o600
    assert written.read_bytes() == b"x"


def test_nothing_that_is_there_is_overwritten(folder: Folder) -> None:
    folder.write("secret", b"x")
    with pytest.raises(FileExistsError):
        folder.write("secret", b"y")


def test_it_goes_as_a_whole(folder: Folder) -> None:
    folder.write("file", b"")
    (folder.path / "data").mkdir()
    folder.remove()
    assert list(folder.path.parent.iterdir()) == []


def test_the_temporary_folder_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fresh = Folder.fresh(None, None)
    assert fresh.path.parent == tmp_path
    fresh.remove()


def test_a_parent_that_the_account_cannot_pass_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    with pytest.raises(PostgresError, match=f"ourselves.* cannot pass {closed}: set TMPDIR"):
        Folder.fresh(closed, OURSELVES)


def test_a_folder_is_stale_once_no_process_holds_it(folder: Folder) -> None:
    parent = folder.path.parent
    assert list(stale_folders(parent)) == []
    # A server that outlives its run holds the folder by the descriptor it inherited.
    inherited = os.dup(folder.lock)
    os.close(folder.lock)
    assert list(stale_folders(parent)) == []
    os.close(inherited)
    assert list(stale_folders(parent)) == [folder.path]
    folder.path.rmdir()


def test_what_only_looks_like_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "archiver").mkdir()
    (tmp_path / f"{PREFIX}file").write_bytes(b"")
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "archiver")
    assert list(stale_folders(tmp_path)) == []


def test_a_folder_in_memory_with_room_is_taken(tmp_path: Path) -> None:
    assert memory_folder(tmp_path, needed=1) == tmp_path


def test_a_folder_in_memory_is_not_taken_when_full_or_missing(tmp_path: Path) -> None:
    assert memory_folder(tmp_path, needed=1 << 60) is None
    assert memory_folder(tmp_path / "missing", needed=1) is None


def test_a_folder_in_memory_where_programs_cannot_run_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(tmp_path)
    noexec = os.statvfs_result((*real[:8], real.f_flag | os.ST_NOEXEC, *real[9:]))
    monkeypatch.setattr(os, "statvfs", lambda _: noexec)
    assert memory_folder(tmp_path, needed=1) is None
