"""The checker of schemas finds what the API server would refuse or prune."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from tests.crds import BY_SHAPE, Object, load, unchecked
from tests.crds.validation import problems
from tests.resources import Shape, remediation_processing

NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)


def put(path: str, value: object) -> Callable[[Object], None]:
    def change(resource: Object) -> None:
        *parents, last = path.split(".")
        for key in parents:
            resource = resource[key]
        resource[last] = value

    return change


def drop(path: str) -> Callable[[Object], None]:
    def change(resource: Object) -> None:
        *parents, last = path.split(".")
        for key in parents:
            resource = resource[key]
        del resource[last]

    return change


@pytest.mark.parametrize(
    ("shape", "change", "complaint"),
    [
        ("A", put("status.routingDecision.priority", 11), "beyond 10"),
        ("A", put("status.degradedMode", "no"), "boolean is wanted"),
        ("A", put("status.routingDecision.priority", True), "integer is wanted"),
        ("A", put("status.enrichmentResults.enrichmentQuality", 1.5), "beyond 1"),
        ("A", drop("spec.signal"), "none of"),
        ("A", put("spec.signal.payload", "%%%"), "not base64"),
        ("B", put("spec.environment", "production"), "none of"),
        ("B", put("spec.signalFingerprint", "mem-pressure-prod-123"), "does not match"),
        ("B", drop("spec.deduplication"), "missing"),
        ("B", put("status.message", "why"), "status.message: would be pruned"),
        ("B", put("status.contextData.count", 3), "string is wanted"),
        ("B", put("status.completedAt", "yesterday"), "no date-time"),
        ("C", put("status.phase", "completed"), "none of"),
        ("C", put("spec.signal.source", "x" * 64), "beyond 63"),
    ],
)
def test_a_fault_is_found(shape: Shape, change: Callable[[Object], None], complaint: str) -> None:
    crd = load(BY_SHAPE[shape])
    resource = remediation_processing(shape, now=NOW, seed=3)
    assert problems(crd, resource) == []
    change(resource)
    (found,) = problems(crd, resource)
    assert complaint in found


def test_an_unchecked_definition_takes_anything() -> None:
    crd = unchecked("remediationprocessing-v1")
    resource = remediation_processing("A", now=NOW)
    bad: tuple[object, ...] = (None, 7, [], {"completionTime": "now"})
    for status in bad:
        resource["status"] = status
        assert problems(crd, resource) == []
