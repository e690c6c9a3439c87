"""Removes what a node leaves on the machine, however its run ends: even after SIGKILL.

Most of it goes by itself, with the last process of the namespaces: mounts, networks, processes,
shared memory. The folder and the cgroups do not. A process in a session of its own waits until the
run is dead, which it learns from a pipe that the kernel closes, and then removes them.

    python -m tests.node.janitor FOLDER DESCRIPTOR
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from image.folders import unused
from tests.node.errors import NodeError
from tests.node.place import PREFIX, Place, remove, stale

REPOSITORY = Path(__file__).parent.parent.parent
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Janitor:
    """The process. `alive` is a descriptor that all of the run keep open."""

    def __init__(self, path: Path, process: "subprocess.Popen[str]", alive: int) -> None:
        """See `watch`."""
        self._path, self._process, self.alive = path, process, alive

    @classmethod
    def watch(cls, path: Path) -> Self:
        """Start it, before there is anything at the path: a run may end at any moment."""
        reading, alive = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.node.janitor", path, str(reading)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=(reading,),
            start_new_session=True,
        )
        os.close(reading)
        return cls(path, process, alive)

    def finish(self) -> str:
        """Tell it that the run is over, and wait; what it could not remove, or nothing.

        Where it was killed itself, this process does its work. Raises NodeError if it cannot.
        """
        os.close(self.alive)
        _, complaint = self._process.communicate()
        if self._process.returncode != 0 and not complaint:
            remove(self._path)
        return complaint


@contextmanager
def tidied() -> Iterator[tuple[Place, Janitor]]:
    """A fresh place for the time of the context; at its end no trace of it is left.

    From its first trace on, SIGTERM and SIGHUP unwind, as SystemExit. Raises NodeError where
    something could not be removed.
    """
    # May take a minute, and may fail: before there is anything of this run.
    remove_stale()
    for number in ENDING:
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    path = unused(PREFIX)
    janitor = Janitor.watch(path)
    try:
        yield Place.make(path), janitor
    finally:
        if complaint := janitor.finish():
            raise NodeError(f"left behind: {path} or its cgroups\n{complaint}")


def remove_stale() -> None:
    """Do what janitors could not do that were killed themselves."""
    for path in stale():
        remove(path)


def _lock(folder: Path) -> None:
    """Until this process ends, nobody else takes the place for stale."""
    # The run ended before it was made; or has the lock itself, and waits for this process.
    with suppress(FileNotFoundError, BlockingIOError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


if __name__ == "__main__":
    folder, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    while os.read(descriptor, 1):
        pass
    _lock(folder)
    remove(folder)
