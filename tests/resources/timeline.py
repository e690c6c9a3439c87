"""When the phases of one processing began and ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.resources.gotext import SECOND

MILLISECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """Nanoseconds. `completed` is a time since the epoch, the rest are durations, in the order in
    which they pass; the other times are reckoned back from the end."""

    completed: int
    queued: int
    enriching: int
    between: int
    classifying: int
    routing: int

    @property
    def classified(self) -> int:
        """The end of classification."""
        return self.completed - self.routing

    @property
    def classification_started(self) -> int:
        """The start of classification."""
        return self.classified - self.classifying

    @property
    def enriched(self) -> int:
        """The end of enrichment."""
        return self.classification_started - self.between

    @property
    def started(self) -> int:
        """The start of enrichment."""
        return self.enriched - self.enriching

    @property
    def created(self) -> int:
        """What the API server would have stamped: whole seconds, before everything else."""
        received = self.started - self.queued
        return received - received % SECOND

    def with_enrichment_of(self, lasted: int) -> Timeline:
        """The same end, with an enrichment that took `lasted` nanoseconds."""
        return replace(self, enriching=lasted)


def draw_timeline(rng: Random, completed: int) -> Timeline:
    """A timeline that ends at `completed`. One enrichment in ten takes more than two seconds.

    Times have odd nanoseconds, as clocks do, durations only sometimes: code that sleeps or polls
    gives round ones.
    """
    slow = rng.random() < 0.1
    enriching = rng.randrange(2_050, 90_500) if slow else rng.randrange(120, 1_950)
    return Timeline(
        completed=completed,
        queued=rng.randrange(5 * MILLISECOND, 900 * MILLISECOND),
        enriching=enriching * MILLISECOND
        + (rng.randrange(MILLISECOND) if rng.random() < 0.5 else 0),
        between=rng.randrange(200_000, 9 * MILLISECOND),
        classifying=rng.randrange(20 * MILLISECOND, 900 * MILLISECOND),
        routing=rng.randrange(700, 80 * MILLISECOND),
    )
