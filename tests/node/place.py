"""Where a node lives on the machine: one folder and one name for its cgroups."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from image.folders import SETTLED, Workdir, stale_folders
from tests.node import cgroups

PREFIX = "archiver-node-"


@dataclass(frozen=True, slots=True)
class Place:
    """A fresh folder, locked while its run is alive, and the cgroup of the same name."""

    workdir: Workdir

    @classmethod
    def make(cls, path: Path) -> "Place":
        """Make both. Whoever removes them has to know the path before."""
        workdir = Workdir.at(path)
        # PostgreSQL's account has to pass.
        workdir.path.chmod(0o711)
        cgroups.create(workdir.path.name)
        return cls(workdir)

    @property
    def path(self) -> Path:
        """The folder."""
        return self.workdir.path

    @property
    def cgroup(self) -> str:
        """The name of the cgroup, in every hierarchy."""
        return self.path.name


def remove(path: Path) -> None:
    """End what runs there, and remove both. Raises NodeError if a process does not end."""
    cgroups.remove(path.name)
    shutil.rmtree(path, ignore_errors=True)


def stale() -> Iterator[Path]:
    """Places whose run was killed together with the janitor that should have removed them.

    First those with a folder among the temporary files; then those whose folder is elsewhere, or
    gone, and of which only cgroups are left.
    """
    yield from stale_folders(PREFIX)
    if deserted := cgroups.deserted(PREFIX):
        # In a cgroup that was just made nobody is yet.
        time.sleep(SETTLED)
        deserted &= cgroups.deserted(PREFIX)
    yield from (Path(gettempdir(), name) for name in sorted(deserted))
