"""RemediationRequests, the owners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tests.crds import Object
from tests.resources.gotext import meta_time, nanoseconds

API_VERSION: Final = "remediation.kubernaut.io/v1alpha1"
KIND: Final = "RemediationRequest"


@dataclass(frozen=True, slots=True)
class Parent:
    """The RemediationRequest an object belongs to; without a uid it is only named, not an owner."""

    name: str
    uid: str = ""

    @classmethod
    def of(cls, stored: Object | None) -> Parent | None:
        """The parent in a stored object."""
        if stored is None:
            return None
        return cls(stored["metadata"]["name"], stored["metadata"]["uid"])


def remediation_request(
    name: str, namespace: str = "kubernaut-system", retention_expiry: datetime | None = None
) -> Object:
    """A parent to be created; `retention_expiry` (aware) is when cleanup may delete it."""
    status: dict[str, Any] = {"overallPhase": "processing"}
    if retention_expiry is not None:
        expiry = meta_time(nanoseconds(retention_expiry))
        status = {"overallPhase": "completed", "retentionExpiryTime": expiry}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"signalName": name.removeprefix("rr-")},
        "status": status,
    }
