"""Objects as bytes, and a moment to judge them at."""

import json
from typing import Any, Final

from archiver.domain import gotime
from archiver.domain.completion import completion_of
from archiver.domain.conversion import convert
from archiver.domain.custom_resource import CustomResource, parse
from archiver.domain.evidence import evidence
from archiver.domain.policy import HOUR
from archiver.domain.record import AuditRecord

NOW: Final = gotime.parse_time("2026-03-01T12:00:00Z")
CREATED: Final = "2026-02-28T12:00:00Z"
UID: Final = "0b7a5c52-6a0e-4f0a-9d0e-6f3c9b1f2a11"


def ago(hours: float) -> str:
    """The RFC 3339 time so many hours before NOW; negative for after it."""
    return gotime.format_time(NOW - int(hours * HOUR))


def obj(status: Any = None, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """An object; without a status where that is None. A metadata value of ... takes the key out."""
    head = {
        "name": "rp-1",
        "namespace": "kubernaut-system",
        "uid": UID,
        "resourceVersion": "17",
        "creationTimestamp": CREATED,
        "generation": 1,
        **metadata,
    }
    whole = {
        "apiVersion": "remediationprocessing.kubernaut.io/v1",
        "kind": "RemediationProcessing",
        "metadata": {key: value for key, value in head.items() if value is not ...},
        "spec": spec or {},
    }
    return whole if status is None else {**whole, "status": status}


def read(whole: dict[str, Any]) -> CustomResource:
    """The object parsed from its bytes; a lone surrogate is written as an escape."""
    return parse(json.dumps(whole).encode(), position="item 0")


def resource(status: Any = None, spec: Any = None, **metadata: Any) -> CustomResource:
    """`obj`, parsed."""
    return read(obj(status, spec, **metadata))


def record_of(whole: dict[str, Any]) -> AuditRecord:
    """The record that an object becomes."""
    parsed = read(whole)
    return convert(parsed, evidence(parsed), completion_of(parsed))
