"""A run and bare PATCH in turns: each stands still while the other is measured.

The very same PATCH costs the API server a third more or less within a minute on a shared machine.
So a floor from before or after a run is not the floor of that run, and the best one of several
tries is no measure of what a run of minutes can reach.
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

    `answered` waits until what is under way is answered; `patch` sends bare PATCHes over so many
    connections for so many seconds; `floors` has them by connections. Turns of both are equally
    long: what the API server does between two turns, such as garbage collection, is nobody's,
    and a shorter turn would be spared a larger part of it.
    """

    servers: Mapping[str, int]
    answered: Callable[[], Spent]
    patch: Callable[[int, int], Patched]
    connections: Sequence[int]
    seconds: int
    spent: Spent = field(default_factory=Spent)
    paused: float = 0.0
    floors: dict[int, Patched] = field(default_factory=dict)

    @classmethod
    def of_a_run(
        cls, expected: float, servers: Mapping[str, int], answered: Callable[[], Spent],
        *, patch: Callable[[int, int], Patched], connections: Sequence[int],
    ) -> "Turns":  # fmt: skip
        """Turns of a run that takes about `expected` seconds."""
        seconds = min(_LONGEST, max(_SHORTEST, round(expected / _TURNS)))
        return cls(servers, answered, patch, connections, seconds)

    def __call__(self, running: Running) -> None:
        """Until it ends."""
        for connections in cycle(self.connections):
            began = Spent.so_far(self.servers)
            ended = running.ends_within(self.seconds)
            running.stop()
            try:
                # What is under way is answered, and that is the run's own time.
                stopped = Spent.so_far(self.servers) if ended else self.answered()
                self.spent += stopped - began
                if ended:
                    # A short run is over before the floor's first turn.
                    self.floors = self.floors or {connections: self.patch(connections, _SHORTEST)}
                    return
                floor = self.floors.get(connections, Patched())
                self.floors[connections] = floor + self.patch(connections, self.seconds)
                self.paused += time.perf_counter() - stopped.wall
            finally:
                running.go_on()

    @property
    def floor(self) -> Patched:
        """Of the number of connections that is the fastest by its mean."""
        return max(self.floors.values(), key=lambda floor: floor.per_second)
