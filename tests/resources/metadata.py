"""Names, owners and finalizers."""

from __future__ import annotations

from typing import Any, Final

from tests.crds import Object
from tests.resources.incident import Incident
from tests.resources.parents import API_VERSION, KIND

FINALIZER: Final = "remediationprocessing.kubernaut.io/finalizer"


def metadata(incident: Incident) -> Object:
    """metadata of an object to be created."""
    made: dict[str, Any] = {
        "name": incident.name,
        "namespace": incident.namespace,
        "labels": {
            "app.kubernetes.io/managed-by": "remediation-orchestrator",
            "kubernaut.io/remediation-request": incident.parent.name,
            "kubernaut.io/severity": incident.alert.severity,
        },
        "annotations": {"kubernaut.io/signal-name": incident.alert.name},
    }
    if incident.finalizer:
        made["finalizers"] = [FINALIZER]
    if incident.parent.uid:
        made["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": incident.parent.name,
                "uid": incident.parent.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return made


def reference(incident: Incident) -> Object:
    """spec.remediationRequestRef."""
    made = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": incident.parent.name,
        "namespace": incident.namespace,
    }
    return made | ({"uid": incident.parent.uid} if incident.parent.uid else {})
