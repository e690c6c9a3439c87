"""The three shapes, by letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from tests.crds import Object
from tests.resources.incident import Incident
from tests.resources.shape_a import shape_a
from tests.resources.shape_b import shape_b
from tests.resources.shape_c import shape_c

Shape: TypeAlias = Literal["A", "B", "C"]

# Every phase a shape's controllers set. A and B leave the spelling free; these are the design's.
PHASES: Final[dict[Shape, tuple[str, ...]]] = {
    "A": ("pending", "enriching", "classifying", "routing", "completed", "failed"),
    "B": ("pending", "enriching", "classifying", "routing", "completed", "failed"),
    "C": ("Pending", "Enriching", "Classifying", "Categorizing", "Completed", "Failed"),
}

_WRITERS: Final[dict[Shape, Callable[[Incident], Object]]] = {
    "A": shape_a,
    "B": shape_b,
    "C": shape_c,
}


def written(incident: Incident, shape: Shape) -> Object:
    """The incident written down in a shape: an object to be created."""
    return _WRITERS[shape](incident)
