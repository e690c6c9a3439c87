"""Where the CPU goes while the servers and the archiver share a machine."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds so far: of wall time, and of CPU of each server with all its processes."""

    wall: float
    cpu: Mapping[str, float]

    @classmethod
    def now(cls, servers: Mapping[str, int]) -> Self:
        """`servers` are the process ids by name."""
        return cls(time.perf_counter(), {name: _seconds_of(pid) for name, pid in servers.items()})

    def until(self, later: "Clock", count: int, **clients: float) -> dict[str, float]:
        """Milliseconds of CPU of each per object, also of `clients` (seconds); and what is left.

        `left` is what nobody of them used of all cores: idle, the system's own work, and others.
        """
        used = {name: later.cpu[name] - before for name, before in self.cpu.items()}
        used |= clients
        used["left"] = (later.wall - self.wall) * (os.cpu_count() or 1) - sum(used.values())
        return {name: round(seconds / count * 1e3, 2) for name, seconds in used.items()}


def _seconds_of(pid: int) -> float:
    """Of a process and those it has started; of those that ended too, once it has waited."""
    # proc(5): counted from behind the name, which may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(map(_of_child, children))


def _of_child(pid: str) -> float:
    try:
        return _seconds_of(int(pid))
    except FileNotFoundError:
        return 0.0  # it has ended since, and is its parent's from now on
