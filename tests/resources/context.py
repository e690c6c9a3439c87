"""What enrichment gathers about the target of an alert."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.crds import Object
from tests.resources.gotext import SECOND, meta_time
from tests.resources.incident import Incident

_DAY = 86_400 * SECOND


def pod_name(incident: Incident) -> str:
    """The pod the alert points at."""
    digits = incident.rng("pod").getrandbits(60)
    return f"{incident.workload.name}-{digits >> 20:010x}-{digits & 0xFFFFF:05x}"


def namespace_labels(incident: Incident) -> dict[str, str]:
    """The labels of the target's namespace."""
    return {
        "kubernetes.io/metadata.name": incident.workload.namespace,
        "environment": incident.workload.environment,
        "pod-security.kubernetes.io/enforce": "restricted",
    }


def kubernetes(incident: Incident, log: str) -> Object:
    """The cluster's view of the target. Degraded: of the alert's namespace alone."""
    context: dict[str, Any] = {
        "namespace": incident.workload.namespace,
        "namespaceLabels": namespace_labels(incident),
        "recentLog": log,
    }
    if incident.degraded:
        return context
    rng = incident.rng("kubernetes")
    return context | {
        "podDetails": _pod(incident, rng),
        "workloadDetails": _workload(incident, rng),
        "nodeDetails": _node(rng),
        "relatedServices": [_service(incident, rng)],
        "relatedConfigMaps": [{"name": f"{incident.workload.name}-config", "keys": ["app.yaml"]}],
    }


def historical(incident: Incident) -> Object:
    """What is known of earlier alerts like this one."""
    rng = incident.rng("historical")
    return {
        "previousAlerts": incident.occurrences - 1,
        "alertFrequency": rng.randrange(400) / 100,
        "averageMemoryUsage": f"{rng.randrange(300, 3900)}Mi",
        "resolutionSuccessRate": rng.randrange(40, 101) / 100,
    }


def _pod(incident: Incident, rng: Random) -> Object:
    restarts = rng.randrange(12)
    return {
        "name": pod_name(incident),
        "phase": "Running",
        "labels": {
            "app": incident.workload.name,
            "pod-template-hash": f"{rng.getrandbits(40):010x}",
        },
        "restartCount": restarts,
        "creationTimestamp": meta_time(incident.timeline.created - rng.randrange(30 * _DAY)),
        "containers": [
            {
                "name": incident.workload.name,
                "image": f"shop/{incident.workload.name}:1.{rng.randrange(40)}.0",
                "ready": rng.random() < 0.6,
                "restartCount": restarts,
                "state": rng.choice(("running", "waiting", "terminated")),
            }
        ],
    }


def _workload(incident: Incident, rng: Random) -> Object:
    replicas = rng.randrange(1, 9)
    return {
        "kind": incident.workload.kind,
        "name": incident.workload.name,
        "replicas": replicas,
        "readyReplicas": rng.randrange(replicas + 1),
        "strategy": "RollingUpdate",
    }


def _node(rng: Random) -> Object:
    return {
        "name": f"worker-{rng.randrange(40):02d}",
        "capacity": {"cpu": "16", "memory": "64Gi"},
        "allocatable": {"cpu": "15600m", "memory": "61Gi"},
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "MemoryPressure", "status": "True" if rng.random() < 0.2 else "False"},
        ],
    }


def _service(incident: Incident, rng: Random) -> Object:
    return {
        "name": incident.workload.name,
        "type": "ClusterIP",
        "clusterIP": f"10.96.{rng.randrange(256)}.{rng.randrange(1, 255)}",
        "ports": [{"name": "http", "port": 80, "targetPort": "8080", "protocol": "TCP"}],
    }
