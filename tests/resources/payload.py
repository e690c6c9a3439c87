"""What the webhook delivered: an Alertmanager notification."""

from __future__ import annotations

import base64
import json

from tests.crds import Object
from tests.resources.gotext import SECOND, time
from tests.resources.incident import Incident

# Alertmanager waits this long for further alerts of a group before it notifies.
_GROUP_WAIT = 30 * SECOND


def alert_labels(incident: Incident) -> dict[str, str]:
    """The alert's labels."""
    return {
        "alertname": incident.alert.name,
        "namespace": incident.workload.namespace,
        "workload": incident.workload.name,
        "workload_kind": incident.workload.kind,
        "severity": incident.alert.severity,
        "cluster": "eu-central",
    }


def alert_annotations(incident: Incident) -> dict[str, str]:
    """The alert's annotations."""
    return {
        "summary": f"{incident.workload.name}: {incident.alert.summary}",
        "runbook": f"runbooks/{incident.alert.name}.md",
    }


def firing_since(incident: Incident) -> int:
    """When the alert began to fire, in nanoseconds since the epoch."""
    return incident.timeline.created - _GROUP_WAIT


def notification(incident: Incident) -> Object:
    """The webhook's body."""
    return {
        "version": "4",
        "status": "firing",
        "receiver": "kubernaut-gateway",
        "groupKey": f'{{}}:{{alertname="{incident.alert.name}"}}',
        "commonLabels": {"cluster": "eu-central"},
        "alerts": [
            {
                "status": "firing",
                "labels": alert_labels(incident),
                "annotations": alert_annotations(incident),
                "startsAt": time(firing_since(incident)),
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": incident.fingerprint[:16],
            }
        ],
    }


def as_text(incident: Incident) -> str:
    """The body as JSON text."""
    return json.dumps(notification(incident), separators=(",", ":"))


def as_base64(incident: Incident) -> str:
    """The body as Go marshals []byte."""
    return base64.b64encode(as_text(incident).encode()).decode()
