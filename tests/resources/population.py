"""A realistic mix of resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from tests.crds import Object
from tests.resources.incident import draw, seeded
from tests.resources.parents import Parent
from tests.resources.shapes import PHASES, Shape, written

# Of a hundred objects, in the order of PHASES.
_WEIGHTS: Final = (4, 6, 4, 3, 75, 8)
_SPELLINGS: Final = (str, str, str, str.capitalize, str.upper)


def population(
    n: int,
    shape: Shape,
    now: datetime,
    seed: int = 0,
    *,
    parent: Object | None = None,
    namespaces: Sequence[str] = ("kubernaut-system", "kubernaut-edge"),
    context_bytes: int = 8192,
    finalizers: bool = True,
) -> Iterator[Object]:
    """`n` objects to be created: every phase, completions from a moment to 40 hours before `now`.

    Names are unique for a seed, alerts recur, contexts vary about `context_bytes`. `parent` (a
    stored RemediationRequest) becomes the controller of all; without one nothing owns them.

    With `finalizers` three in ten bear the upstream controller's, which does not run in tests: a
    namespace or a definition that holds one is not deleted until somebody removes it.
    """
    owner = Parent.of(parent)
    for number in range(n):
        rng = seeded("population", seed, number)
        phase = rng.choices(PHASES[shape], _WEIGHTS)[0]
        incident = draw(
            f"{seed}-{number}",
            now=now,
            completed_ago=_ago(rng),
            phase=_spelt(phase, rng) if shape != "C" else phase,
            namespace=rng.choice(namespaces),
            parent=owner,
            context_bytes=int(context_bytes * rng.uniform(0.5, 1.5)),
        )
        # 40 bits of a name alone would meet themselves again among some 100,000 objects.
        name = f"{incident.name}-{number}"
        held = incident.finalizer and finalizers
        yield written(replace(incident, name=name, finalizer=held), shape)


def _ago(rng: Random) -> timedelta:
    return timedelta(microseconds=rng.randrange(1_000_000, 40 * 3_600 * 1_000_000))


def _spelt(phase: str, rng: Random) -> str:
    return rng.choice(_SPELLINGS)(phase)
