"""Shape C: SignalProcessing v1alpha1, the successor.

Its schema enumerates the phases: `routing`, which it does not know, is written as `Categorizing`.
"""

from __future__ import annotations

from typing import Any, Final

from tests.crds import Object
from tests.resources.alerts import STEP_FAILURES
from tests.resources.conditions import condition
from tests.resources.context import namespace_labels
from tests.resources.gotext import SECOND, duration, meta_time
from tests.resources.incident import Incident
from tests.resources.metadata import metadata, reference
from tests.resources.payload import alert_annotations, alert_labels, as_text, firing_since
from tests.resources.text import filled

API_VERSION: Final = "kubernaut.ai/v1alpha1"
_SEVERITY: Final = {"critical": "critical", "warning": "medium", "info": "low"}
_SLA: Final = {"P0": "platinum", "P1": "gold", "P2": "silver", "P3": "bronze"}
_CRITICALITY: Final = {"P0": "critical", "P1": "high", "P2": "medium", "P3": "low"}
_ENVIRONMENT_SOURCE: Final = {"namespace-label": "namespace-labels", "fallback": "default"}


def shape_c(incident: Incident) -> Object:
    """The incident as a SignalProcessing v1alpha1."""
    return {
        "apiVersion": API_VERSION,
        "kind": "SignalProcessing",
        "metadata": metadata(incident),
        "spec": _spec(incident),
        "status": _status(incident),
    }


def _spec(incident: Incident) -> Object:
    rng = incident.rng("spec")
    target = incident.workload
    return {
        "remediationRequestRef": reference(incident),
        "signal": {
            "fingerprint": incident.fingerprint,
            "name": incident.alert.name,
            "severity": incident.alert.severity,
            "type": "alert",
            "source": "prometheus-adapter",
            "targetType": "kubernetes",
            "targetResource": {
                "kind": target.kind,
                "name": target.name,
                "namespace": target.namespace,
            },
            "labels": alert_labels(incident),
            "annotations": alert_annotations(incident),
            "firingTime": meta_time(firing_since(incident)),
            "receivedTime": meta_time(incident.timeline.created),
            "providerData": as_text(incident),
        },
        "enrichmentConfig": {
            "enableClusterState": True,
            "enableMetrics": rng.random() < 0.6,
            "enableHistorical": rng.random() < 0.4,
            "timeout": "5s",
        },
    }


def _status(incident: Incident) -> Object:
    phase = "Categorizing" if incident.word == "routing" else incident.word.capitalize()
    status: dict[str, Any] = {"observedGeneration": 1, "phase": phase}
    if incident.reached >= 1:
        status["startTime"] = meta_time(incident.timeline.started)
    if incident.reached >= 2:
        status["kubernetesContext"] = filled(
            lambda log: _context(incident, log), incident, incident.context_bytes
        )
        if incident.recovery_attempt:
            status["recoveryContext"] = _recovery(incident)
    if incident.reached >= 3:
        status |= _classified(incident)
    if incident.terminal:
        status |= _ended(incident)
    return status


def _context(incident: Incident, log: str) -> Object:
    target = incident.workload
    context: dict[str, Any] = {
        "namespace": {
            "name": target.namespace,
            "labels": namespace_labels(incident),
            "annotations": {"example.com/recent-log": log},
        },
        "customLabels": {"team": [f"name={target.namespace.partition('-')[2]}"]},
    }
    if incident.degraded:
        return context | {"degradedMode": True}
    return context | {
        "ownerChain": [{"kind": target.kind, "name": target.name, "namespace": target.namespace}],
        "workload": {
            "kind": target.kind,
            "name": target.name,
            "labels": {"app.kubernetes.io/name": target.name},
            "annotations": {"deployment.kubernetes.io/revision": str(incident.occurrences)},
        },
    }


def _recovery(incident: Incident) -> Object:
    rng = incident.rng("recovery")
    return {
        "attemptCount": incident.recovery_attempt,
        "previousRemediationId": f"{incident.parent.name}-{incident.recovery_attempt - 1}",
        "lastFailureReason": rng.choice(STEP_FAILURES),
        "timeSinceFirstFailure": duration(rng.randrange(60, 4 * 3600) * SECOND),
    }


def _classified(incident: Incident) -> Object:
    at = meta_time(incident.timeline.classified)
    target = incident.workload
    return {
        "severity": _SEVERITY[incident.alert.severity],
        "signalMode": "reactive",
        "environmentClassification": {
            "environment": target.environment,
            "source": _ENVIRONMENT_SOURCE.get(target.method, "rego-inference"),
            "classifiedAt": at,
        },
        "priorityAssignment": {
            "priority": incident.priority,
            "source": "rego-policy",
            "policyName": f"{target.environment}-{incident.alert.severity}",
            "assignedAt": at,
        },
        "businessClassification": {
            "businessUnit": target.namespace.partition("-")[2],
            "criticality": _CRITICALITY[incident.priority],
            "slaRequirement": _SLA[incident.priority],
        },
    }


def _ended(incident: Incident) -> Object:
    at = incident.timeline.completed
    ended: dict[str, Any] = {"completionTime": meta_time(at)} if incident.ended else {}
    if not incident.failed:
        done = condition("ProcessingComplete", "ProcessingSucceeded", "signal processed", at=at)
        return ended | {"conditions": [done]}
    undone = condition(
        "ProcessingComplete", "ProcessingFailed", incident.failure, at=at, holds=False
    )
    # By release, a failure's text stands in one place or the other.
    where = (
        {"error": incident.failure, "consecutiveFailures": 3, "lastFailureTime": meta_time(at)}
        if incident.older
        else {"failureInfo": {"error": incident.failure, "phase": incident.failed_in.capitalize()}}
    )
    return ended | where | {"conditions": [undone]}
