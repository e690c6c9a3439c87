"""status.conditions[], as meta/v1 has them."""

from __future__ import annotations

from tests.crds import Object
from tests.resources.gotext import meta_time


def condition(kind: str, reason: str, message: str, *, at: int, holds: bool = True) -> Object:
    """One condition; `at` is its last transition in nanoseconds since the epoch."""
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": meta_time(at),
        "observedGeneration": 1,
    }
