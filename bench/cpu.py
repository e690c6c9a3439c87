"""Where the CPU goes while the servers and the archiver share a machine."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

# Seconds. What the system counts in is a hundredth of one, and a server at work has several.
_WINDOW: Final = 0.03
_BUSY: Final = 0.015
_PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of wall time, and of CPU of each server with all its processes."""

    wall: float = 0.0
    cpu: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def so_far(cls, servers: Mapping[str, int]) -> Self:
        """Up to this moment. `servers` are the process ids by name."""
        return cls(time.perf_counter(), {name: _seconds_of(pid) for name, pid in servers.items()})

    def __add__(self, other: "Spent") -> "Spent":
        names = {*self.cpu, *other.cpu}
        both = {name: self.cpu.get(name, 0.0) + other.cpu.get(name, 0.0) for name in names}
        return Spent(self.wall + other.wall, both)

    def __sub__(self, other: "Spent") -> "Spent":
        before = {name: -seconds for name, seconds in other.cpu.items()}
        return self + Spent(-other.wall, before)

    def per_object(self, count: int, **clients: float) -> dict[str, float]:
        """Milliseconds of CPU of each per object, also of `clients` (seconds); and what is left.

        `left` is what nobody of them used of all cores: idle, the system's own work, and others.
        """
        used = dict(self.cpu) | clients
        used["left"] = self.wall * (os.cpu_count() or 1) - sum(used.values())
        return {name: round(seconds / count * 1e3, 2) for name, seconds in used.items()}


def until_answered(servers: Mapping[str, int], under_way: Callable[[], int]) -> Spent:
    """Wait until the servers have answered all that was asked; `Spent.so_far` at that moment.

    `under_way` is how many requests the API server works on. Where one is left because its client
    stands still and does not read the answer, it is over when the servers rest. That alone would
    not do: with 50,000 objects in memory, an API server that nobody asks anything collects its
    garbage for many seconds. Raises TimeoutError if neither happens.
    """
    seen = Spent.so_far(servers)
    deadline = seen.wall + _PATIENCE
    while seen.wall < deadline:
        if not under_way():
            return Spent.so_far(servers)
        time.sleep(_WINDOW)
        now = Spent.so_far(servers)
        if sum((now - seen).cpu.values()) < _BUSY:
            return seen
        seen = now
    raise TimeoutError(f"the servers were still busy after {_PATIENCE} s: {dict(servers)}")


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
