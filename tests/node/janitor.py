"""Removes what a node leaves on the machine, however its run ends: even after SIGKILL.

Most of it goes by itself, with the last process of the namespaces: mounts, networks, processes,
shared memory. The folder and the cgroups do not. A process in a session of its own waits until the
run is dead, which it learns from a pipe that the kernel closes, and then removes them.

    python -m tests.node.janitor FOLDER DESCRIPTOR
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.node.place import Place, remove, stale

REPOSITORY = Path(__file__).parent.parent.parent


class Janitor:
    """The process. `alive` is a descriptor that all of the run keep open."""

    def __init__(self, process: "subprocess.Popen[str]", alive: int) -> None:
        """See `watch`."""
        self._process, self.alive = process, alive

    @classmethod
    def watch(cls, place: Place) -> Self:
        """Start it."""
        reading, alive = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.node.janitor", place.path, str(reading)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # With the lock of the folder: until it is done, nobody else takes the place for stale.
            pass_fds=(reading, place.workdir.lock),
            start_new_session=True,
        )
        os.close(reading)
        return cls(process, alive)

    def finish(self) -> str:
        """Tell it that the run is over, and wait; what it could not remove, or nothing."""
        os.close(self.alive)
        _, complaint = self._process.communicate()
        return complaint


def remove_stale() -> None:
    """Do what janitors could not do that were killed themselves."""
    for path in stale():
        remove(path)


if __name__ == "__main__":
    folder, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    while os.read(descriptor, 1):
        pass
    remove(folder)
