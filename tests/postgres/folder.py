"""One fresh folder per server: everything a server writes is in it, and it goes as a whole."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.postgres.account import Account
from tests.postgres.errors import PostgresError

PREFIX = "archiver-postgres-"
MEMORY = Path("/dev/shm")  # noqa: S108 - only fresh folders of mode 0700 are made there


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of mode 0700 that belongs to the account which runs the server.

    `lock` is a descriptor of the folder, locked (flock) as long as a process has it open: this
    one, and every process of the server, which inherit it. A folder that can be locked is
    therefore one whose run is dead, whatever became of its process ids.
    """

    path: Path
    account: Account | None
    lock: int

    @classmethod
    def fresh(cls, parent: Path | None, account: Account | None) -> "Folder":
        """A new folder below `parent`, by default the system's folder for temporary files.

        Raises PostgresError if the account could not get there.
        """
        parent = parent or Path(tempfile.gettempdir())
        if account and not all(p.stat().st_mode & 0o001 for p in (parent, *parent.parents)):
            raise PostgresError(
                f"{account.name}, who runs the server for root, cannot pass {parent}: "
                "set TMPDIR to a folder that everybody may pass, such as /tmp"
            )
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if account:
            os.fchown(lock, account.uid, account.gid)
        return cls(path, account, lock)

    def write(self, name: str, content: bytes) -> Path:
        """Write a new file that only the server's account (and root) can read."""
        path = self.path / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            if self.account:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
        return path

    def remove(self) -> None:
        """Delete the folder and all that is in it. No server may run in it any more."""
        shutil.rmtree(self.path)
        os.close(self.lock)


def memory_folder(path: Path = MEMORY, *, needed: int = 2 << 30) -> Path | None:
    """The machine's folder in memory, where it has one with `needed` bytes free; else None.

    The server does everything there that it does on a disk, fsync included, and what a test sees
    of it after SIGKILL is the same. But a disk shared with a compiler makes it wait: a copy of a
    small database took 35 ms in memory and 400 to 750 ms on disk, fsync or not. No place for a
    benchmark.
    """
    try:
        system = os.statvfs(path)
    except OSError:
        return None
    # A container's is often 64 MB, and noexec, where a copy of an installation would not run.
    small = system.f_bavail * system.f_frsize < needed
    return None if small or system.f_flag & os.ST_NOEXEC else path


def stale_folders(parent: Path) -> Iterator[Path]:
    """Folders of servers whose processes are all dead: a run that was killed leaves its own."""
    for path in sorted(parent.glob(f"{PREFIX}*")):
        try:
            # O_NOFOLLOW: in a folder where everybody may write, a name is no proof.
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            yield path
        finally:
            os.close(lock)
