"""Folders that several processes share, and folders that one has for itself.

Who shares waits for its turn. A folder of a process that was killed is told by its lock.
"""

import fcntl
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# A younger one may be between its making and its lock.
SETTLED = 10.0  # seconds


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold back a second process that wants to fill the same folder, until the first is done.

    The folder may be one that is not there yet.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock, _turn(lock.fileno(), folder):
        yield


@contextmanager
def only_one_in(folder: Path) -> Iterator[None]:
    """The same for a folder that is there, maybe read-only: no file is made for it."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _turn(lock, folder):
            yield
    finally:
        os.close(lock)


@contextmanager
def _turn(lock: int, folder: Path) -> Iterator[None]:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"waiting: another process is filling {folder}\n")
        sys.stderr.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
    yield


@dataclass(frozen=True, slots=True)
class Workdir:
    """A folder of mode 0700, and the descriptor that keeps it locked.

    The lock (flock) holds as long as this process or one that inherits it is alive. A folder that
    can be locked is therefore one whose run is dead.
    """

    path: Path
    lock: int

    @classmethod
    def fresh(cls, prefix: str) -> Self:
        """A new folder among the system's temporary files."""
        return cls.at(unused(prefix))

    @classmethod
    def at(cls, path: Path) -> Self:
        """The same at this path. Raises FileExistsError if it is taken."""
        path.mkdir(mode=0o700)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(path, lock)

    def remove(self) -> None:
        """Delete the folder and all that is in it. Nobody may use it any more."""
        with suppress(FileNotFoundError):  # whoever tidies temporary files was faster
            shutil.rmtree(self.path)
        os.close(self.lock)


def unused(prefix: str) -> Path:
    """A path among the system's temporary files that nobody has, nor can guess."""
    return Path(tempfile.gettempdir(), f"{prefix}{secrets.token_hex(8)}")


def remove_stale(prefix: str) -> None:
    """Delete what runs that were killed left behind: hundreds of megabytes, some of them."""
    for path in stale_folders(prefix):
        shutil.rmtree(path, ignore_errors=True)


def remove_stale_files(paths: Iterable[Path]) -> None:
    """The same with those of these files that nobody holds locked (flock)."""
    # For writing: network file systems give no lock like this otherwise.
    for path in _abandoned(paths, os.O_RDWR):
        path.unlink(missing_ok=True)


def stale_folders(prefix: str) -> Iterator[Path]:
    """Folders of dead runs, each locked while the caller has it."""
    paths = Path(tempfile.gettempdir()).glob(f"{prefix}*")
    yield from _abandoned(paths, os.O_RDONLY | os.O_DIRECTORY)


def _abandoned(paths: Iterable[Path], flags: int) -> Iterator[Path]:
    for path in paths:
        try:
            # O_NOFOLLOW: in a folder where everybody may write, a name is no proof.
            lock = os.open(path, flags | os.O_NOFOLLOW)
        except OSError:
            continue  # somebody else's, or just gone
        try:
            found = os.fstat(lock)
            if found.st_uid == os.geteuid() and found.st_mtime < time.time() - SETTLED:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path
        except OSError:
            continue  # its run is alive, or another process removes it
        finally:
            os.close(lock)
