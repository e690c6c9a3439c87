"""One fresh folder per control plane: everything its servers write is in it."""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "archiver-controlplane-"
# A younger folder may be between its making and its lock.
SETTLED = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Workdir:
    """A folder of mode 0700, and the descriptor that keeps it locked.

    The lock (flock) holds as long as this process or a server, which inherits it, is alive. A
    folder that can be locked is therefore one whose run is dead.
    """

    path: Path
    lock: int

    @classmethod
    def fresh(cls, prefix: str = PREFIX) -> "Workdir":
        """A new folder among the system's temporary files."""
        return cls.at(unused(prefix))

    @classmethod
    def at(cls, path: Path) -> "Workdir":
        """The same at this path. Raises FileExistsError if it is taken."""
        path.mkdir(mode=0o700)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(path, lock)

    def remove(self) -> None:
        """Delete the folder and all that is in it. No server may run in it any more."""
        with suppress(FileNotFoundError):  # whoever tidies temporary files was faster
            shutil.rmtree(self.path)
        os.close(self.lock)


def unused(prefix: str) -> Path:
    """A path among the system's temporary files that nobody has, nor can guess."""
    return Path(tempfile.gettempdir(), f"{prefix}{secrets.token_hex(8)}")


def remove_stale() -> None:
    """Delete what runs that were killed left behind: etcd alone takes 64 MB of disk at once."""
    for path in stale_folders():
        shutil.rmtree(path, ignore_errors=True)


def stale_folders(prefix: str = PREFIX) -> Iterator[Path]:
    """Folders of dead runs, each locked while the caller has it."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            # O_NOFOLLOW: in a folder where everybody may write, a name is no proof.
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
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
