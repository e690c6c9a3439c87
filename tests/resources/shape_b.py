"""Shape B: RemediationProcessing v1alpha1, as published.

Its schema is narrow: fingerprints are hex, environments three, priorities end at P2, and the status
has no room for why something failed.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.crds import Object
from tests.resources.context import historical, kubernetes
from tests.resources.gotext import meta_time
from tests.resources.incident import Incident
from tests.resources.metadata import metadata, reference
from tests.resources.payload import alert_annotations, alert_labels, as_base64, firing_since
from tests.resources.text import filled

API_VERSION: Final = "remediationprocessing.kubernaut.io/v1alpha1"
_ENVIRONMENTS: Final = {
    "production": "prod",
    "canary": "prod",
    "staging": "staging",
    "qa-eu": "staging",
    "development": "dev",
}


def shape_b(incident: Incident) -> Object:
    """The incident as a RemediationProcessing v1alpha1."""
    return {
        "apiVersion": API_VERSION,
        "kind": "RemediationProcessing",
        "metadata": metadata(incident),
        "spec": _spec(incident),
        "status": _status(incident),
    }


def _spec(incident: Incident) -> Object:
    rng = incident.rng("spec")
    target = incident.workload
    spec: dict[str, Any] = {
        "remediationRequestRef": reference(incident),
        "signalFingerprint": incident.fingerprint,
        "signalName": incident.alert.name,
        "severity": incident.alert.severity,
        "environment": _ENVIRONMENTS[target.environment],
        "priority": min(incident.priority, "P2"),
        "signalType": "prometheus",
        "signalSource": "prometheus-adapter",
        "targetType": "kubernetes",
        "targetResource": {"kind": target.kind, "name": target.name, "namespace": target.namespace},
        "signalLabels": alert_labels(incident),
        "signalAnnotations": alert_annotations(incident),
        "firingTime": meta_time(firing_since(incident)),
        "receivedTime": meta_time(incident.timeline.created),
        "deduplication": _deduplication(incident),
        "originalPayload": as_base64(incident),
        "enrichmentConfig": {
            "enableClusterState": True,
            "enableMetrics": rng.random() < 0.6,
            "enableHistorical": rng.random() < 0.4,
        },
    }
    storm = incident.occurrences > 8
    return spec | ({"isStorm": True, "stormAlertCount": incident.occurrences} if storm else {})


def _deduplication(incident: Incident) -> Object:
    return {
        "firstOccurrence": meta_time(firing_since(incident)),
        "lastOccurrence": meta_time(incident.timeline.created),
        "occurrenceCount": incident.occurrences,
        "correlationID": f"{incident.alert.name}-{incident.fingerprint[:8]}",
    }


def _status(incident: Incident) -> Object:
    status: dict[str, Any] = {"phase": incident.phase}
    if incident.reached >= 1:
        status["startTime"] = meta_time(incident.timeline.started)
    if incident.reached >= 2:
        status["contextData"] = filled(
            lambda log: _context_data(incident, log), incident, incident.context_bytes
        )
    if incident.terminal and incident.ended:
        status["completedAt"] = meta_time(incident.timeline.completed)
    return status


def _context_data(incident: Incident, log: str) -> Object:
    """A map of texts: whatever has structure is JSON in a text."""
    gathered = kubernetes(incident, log) | {"history": historical(incident)}
    return {
        key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for key, value in gathered.items()
    }
