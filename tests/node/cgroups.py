"""The cgroups of one node: all of them below one name, in every hierarchy that is mounted."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.node.errors import NodeError

MOUNTS = Path("/proc/self/mounts")
ROOT = Path("/sys/fs/cgroup")
# What the kubelet wants in its own cgroup, as far as the topmost one has it (pkg/kubelet/cm,
# cgroup_v2_manager_linux.go, getSupportedUnifiedControllers).
WANTED = ("cpu", "cpuset", "hugetlb", "memory", "pids")
SERVERS = "servers"  # containerd, kubelet and the rest, beside `kubepods`
GONE_WITHIN = 60.0  # seconds; processes that are being killed hold their cgroup for a moment
PAUSE = 0.05


def hierarchies(mounts: Path = MOUNTS) -> list[Path]:
    """Where they are mounted: one for version 2, one per controller for version 1."""
    lines = (line.split() for line in mounts.read_text().splitlines())
    found = [Path(target) for _, target, kind, *_ in lines if kind in ("cgroup", "cgroup2")]
    return [path for path in found if not path.is_symlink()]


def create(name: str, root: Path = ROOT) -> None:
    """Make the node's cgroup, and in it the one of its servers.

    Raises NodeError where version 2 does not let it have controllers that the topmost one has.
    """
    _hand_on(not_handed_on(root), root)
    for hierarchy in hierarchies():
        for cgroup in (hierarchy / name, hierarchy / name / SERVERS):
            cgroup.mkdir()
            _inherit_cpuset(cgroup)


def not_handed_on(root: Path = ROOT) -> list[str]:
    """The controllers that a cgroup made below the root would lack: on version 2, and there alone.

    Version 1 has a hierarchy of its own for each of them.
    """
    if not (root / "cgroup.controllers").exists():
        return []
    there, handed_on = (
        (root / f"cgroup.{file}").read_text().split() for file in ("controllers", "subtree_control")
    )
    return [name for name in WANTED if name in there and name not in handed_on]


def cannot_be_handed_on(root: Path = ROOT) -> bool:
    """Only the machine's topmost cgroup may hand controllers on and have processes of its own.

    Any other has a type: it is a container's, that takes itself for the topmost (cgroups(7)).
    """
    return (root / "cgroup.type").exists() and bool((root / "cgroup.procs").read_text())


def _hand_on(controllers: list[str], root: Path) -> None:
    if not controllers:
        return
    words = " ".join(f"+{name}" for name in controllers)
    try:
        (root / "cgroup.subtree_control").write_text(words)
    except OSError as error:
        raise NodeError(f"{root}/cgroup.subtree_control: {words}: {error.strerror}") from error


def join(name: str) -> None:
    """Move this process, and all that it will start, to the servers' cgroup."""
    for hierarchy in hierarchies():
        (hierarchy / name / SERVERS / "cgroup.procs").write_text("0")  # the one that writes


def names(prefix: str) -> set[str]:
    """The cgroups below the root whose name begins so."""
    return {path.name for h in hierarchies() for path in h.glob(f"{prefix}*") if path.is_dir()}


def remove(name: str, within: float = GONE_WITHIN) -> None:
    """Kill every process in them and remove them; does nothing where there is none.

    Raises NodeError naming a cgroup that is still there after `within` seconds.
    """
    deadline = time.monotonic() + within
    while left := [cgroup for h in hierarchies() for cgroup in _deepest_first(h / name)]:
        for cgroup in left:
            _kill(cgroup)
            with suppress(OSError):  # busy, until the last process is gone
                cgroup.rmdir()
        if time.monotonic() > deadline:
            raise NodeError(f"{left[0]} is still in use after {within:.0f} s")
        time.sleep(PAUSE)


def processes(name: str) -> set[int]:
    """The pids, as this process sees them, of everything in the cgroup and below it."""
    cgroups = (cgroup for h in hierarchies() for cgroup in _deepest_first(h / name))
    return {pid for cgroup in cgroups for pid in _pids(cgroup)}


def deserted(prefix: str) -> set[str]:
    """The names that begin so of cgroups in which nobody is, in any hierarchy."""
    return {name for name in names(prefix) if not _is_populated(name)}


def _is_populated(name: str) -> bool:
    cgroups = (cgroup for h in hierarchies() for cgroup in _deepest_first(h / name))
    try:
        # Not `processes`: those of another pid namespace count too.
        return any((cgroup / "cgroup.procs").read_text() for cgroup in cgroups)
    except OSError:
        return True  # somebody is removing it


def _inherit_cpuset(cgroup: Path) -> None:
    # Version 1 lets no process into a cpuset whose processors and memory nobody named.
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (cgroup / file).exists() and not (cgroup / file).read_text().strip():
            with suppress(OSError):
                (cgroup / file).write_text((cgroup.parent / file).read_text())


def _deepest_first(cgroup: Path) -> Iterator[Path]:
    for folder, _, _ in os.walk(cgroup, topdown=False):
        yield Path(folder)


def _pids(cgroup: Path) -> list[int]:
    try:
        # 0 is a process that this pid namespace does not see.
        return [pid for line in (cgroup / "cgroup.procs").read_text().split() if (pid := int(line))]
    except OSError:
        return []


def _kill(cgroup: Path) -> None:
    for pid in _pids(cgroup):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
