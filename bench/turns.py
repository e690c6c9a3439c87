"""A run and bare PATCH in turns: each stands still while the other is measured.

The very same PATCH costs the API server a third more or less within a minute on a shared machine.
So a floor from before or after a run is not the floor of that run, and the best one of several
tries is no measure of what a run of minutes can reach.

While a run still lists, it does not stand still: the API server would forget the moment of a list
that takes twice as long, and read the rest of it from etcd.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from bench.cpu import Spent
from bench.measured import Running

# A run has about so many turns, of at least and at most so many seconds.
_TURNS: Final = 15
_SHORTEST, _LONGEST = 2, 10
# Seconds between two looks whether a run has listed all.
_GLANCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Patched:
    """Bare PATCH: how many, in how many seconds, and what the servers spent on them.

    With what is under way when the load tool ends, and the time until it is answered.
    """

    count: int = 0
    seconds: float = 0.0
    spent: Spent = field(default_factory=Spent)

    def __add__(self, other: "Patched") -> "Patched":
        return Patched(
            self.count + other.count,
            self.seconds + other.seconds,
            self.spent + other.spent,
        )

    @property
    def per_second(self) -> float:
        """The mean of all turns."""
        return self.count / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Turns:
    """Called with a run on its way; `spent` is the servers' in its turns, `paused` is in seconds.

    `before` comes first. Turns begin when `listed` says that nothing is left to be listed.
    `answered` waits until what is under way is answered; `patch` sends bare PATCHes over so many
    connections for so many seconds; `floors` has them by connections. Turns of both are equally
    long: what the API server does between two turns, such as garbage collection, is nobody's,
    and a shorter turn would be spared a larger part of it.
    """

    servers: Mapping[str, int]
    answered: Callable[[], Spent]
    patch: Callable[[int, int], Patched]
    listed: Callable[[], bool]
    connections: Sequence[int]
    seconds: int
    spent: Spent = field(default_factory=Spent)
    paused: float = 0.0
    floors: dict[int, Patched] = field(default_factory=dict)

    @classmethod
    def of_a_run(
        cls, expected: float, servers: Mapping[str, int], answered: Callable[[], Spent],
        *, patch: Callable[[int, int], Patched], listed: Callable[[], bool],
        connections: Sequence[int],
    ) -> "Turns":  # fmt: skip
        """Turns of a run that takes about `expected` seconds."""
        seconds = min(_LONGEST, max(_SHORTEST, round(expected / _TURNS)))
        return cls(servers, answered, patch, listed, connections, seconds)

    def before(self) -> None:
        """A turn of the floor with each number of connections."""
        for connections in self.connections:
            self._floor(connections)

    def __call__(self, running: Running) -> None:
        """Until it ends."""
        began = Spent.so_far(self.servers)
        while not self.listed() and not running.ends_within(_GLANCE):
            pass
        for connections in cycle(self.connections):
            ended = running.ends_within(self.seconds)
            running.stop()
            try:
                # What is under way is answered, and that is the run's own time.
                stopped = Spent.so_far(self.servers) if ended else self.answered()
                self.spent += stopped - began
                if ended:
                    return
                self._floor(connections)
                self.paused += time.perf_counter() - stopped.wall
            finally:
                running.go_on()
            began = Spent.so_far(self.servers)

    def _floor(self, connections: int) -> None:
        floor = self.floors.get(connections, Patched())
        self.floors[connections] = floor + self.patch(connections, self.seconds)

    @property
    def marks(self) -> int:
        """How many the floor has made so far."""
        return sum(floor.count for floor in self.floors.values())

    @property
    def floor(self) -> Patched:
        """Of the number of connections that is the fastest by its mean."""
        return max(self.floors.values(), key=lambda floor: floor.per_second)
