"""Shape A: RemediationProcessing v1, the design's shape."""

from __future__ import annotations

from typing import Any, Final

from tests.crds import Object
from tests.resources.alerts import STEP_FAILURES
from tests.resources.conditions import condition
from tests.resources.context import historical, kubernetes
from tests.resources.gotext import duration, time
from tests.resources.incident import Incident
from tests.resources.metadata import metadata, reference
from tests.resources.payload import alert_annotations, alert_labels, as_base64
from tests.resources.text import filled

API_VERSION: Final = "remediationprocessing.kubernaut.io/v1"
_SLA: Final = {"P0": "5m", "P1": "15m", "P2": "30m", "P3": "2h"}
_ROUTING_PRIORITY: Final = {"P0": 10, "P1": 7, "P2": 4, "P3": 1}


def shape_a(incident: Incident) -> Object:
    """The incident as a RemediationProcessing v1."""
    return {
        "apiVersion": API_VERSION,
        "kind": "RemediationProcessing",
        "metadata": metadata(incident),
        "spec": _spec(incident),
        "status": _status(incident),
    }


def _spec(incident: Incident) -> Object:
    rng = incident.rng("spec")
    sources = ["kubernetes", "historical", "metrics"][: rng.randrange(1, 4)]
    spec: dict[str, Any] = {
        "alertRemediationRef" if incident.older else "remediationRequestRef": reference(incident),
        "alert" if incident.older else "signal": _signal(incident),
        "enrichmentConfig": {
            "contextSources": sources,
            "contextDepth": rng.choice(("basic", "detailed", "comprehensive")),
            "historicalLookback": rng.choice(("1h", "24h", "7d")),
        },
        "environmentClassification": {
            "classificationSources": ["labels", "configmap", "patterns"],
            "confidenceThreshold": 0.8,
        },
    }
    return spec | (_recovery(incident) if incident.recovery_attempt else {})


def _signal(incident: Incident) -> Object:
    return {
        "fingerprint": incident.free_fingerprint or incident.fingerprint,
        "name": incident.alert.name,
        "severity": incident.alert.severity,
        "namespace": incident.workload.namespace,
        "receivedTime": time(incident.timeline.created),
        "labels": alert_labels(incident),
        "annotations": alert_annotations(incident),
        "payload": as_base64(incident),
    }


def _recovery(incident: Incident) -> Object:
    rng = incident.rng("recovery")
    return {
        "isRecoveryAttempt": True,
        "recoveryAttemptNumber": incident.recovery_attempt,
        "failedWorkflowRef": {"name": f"we-{incident.parent.name}-{incident.recovery_attempt}"},
        "failedStep": rng.randrange(4),
        "failureReason": rng.choice(STEP_FAILURES),
        "originalProcessingRef": {"name": f"rp-{incident.parent.name}"},
    }


def _status(incident: Incident) -> Object:
    status: dict[str, Any] = {"phase": incident.phase}
    if incident.reached >= 2:
        status |= _enriched(incident)
        status["classificationStartTime"] = time(incident.timeline.classification_started)
    if incident.reached >= 3:
        status |= _classified(incident)
    if incident.reached >= 4:
        status["routingDecision"] = {
            "nextService": "ai-analysis",
            "routingKey": incident.free_fingerprint or incident.fingerprint,
            "priority": _ROUTING_PRIORITY[incident.priority],
        }
    if incident.terminal:
        status |= _ended(incident)
    return status


def _enriched(incident: Incident) -> Object:
    rng = incident.rng("enriched")
    low, high = (28, 61) if incident.degraded else (78, 101)

    def results(log: str) -> Object:
        return {
            "completedAt": time(incident.timeline.enriched),
            "duration": duration(incident.timeline.enriching),
            "enrichmentQuality": quality,
            "kubernetesContext": kubernetes(incident, log),
            "historicalContext": historical(incident),
        }

    quality = rng.randrange(low, high) / 100
    return {
        "degradedMode": incident.degraded,
        "enrichmentResults": filled(results, incident, incident.context_bytes),
    }


def _classified(incident: Incident) -> Object:
    method = incident.workload.method
    low, high = (45, 70) if method == "fallback" else (81, 100)
    timeline = incident.timeline
    return {
        "classificationEndTime": time(timeline.classified),
        "classificationDuration": duration(timeline.classifying),
        "environmentClassification": {
            "environment": incident.workload.environment,
            "confidence": incident.rng("confidence").randrange(low, high) / 100,
            "businessPriority": incident.priority,
            "slaRequirement": _SLA[incident.priority],
            "classificationMethod": method,
        },
    }


def _ended(incident: Incident) -> Object:
    at = incident.timeline.completed
    ended: dict[str, Any] = {}
    if incident.ended:
        ended["completedAt" if incident.older else "completionTime"] = time(at)
    if incident.failed:
        failed = condition("Failed", "ProcessingFailed", incident.failure, at=at)
        return ended | {"message": incident.failure, "conditions": [failed]}
    said = f"routed to ai-analysis as {incident.priority}"
    done = condition("Completed", "ProcessingSucceeded", said, at=at)
    return ended | {"conditions": [done]}
