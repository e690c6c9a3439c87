"""What the garbage collector has asked for, by the API server's audit log."""

from http import HTTPStatus
from typing import Any, Final

from tests.controlplane import ControlPlane

_USER: Final = "system:serviceaccount:kube-system:generic-garbage-collector"


def was_refused(control_plane: ControlPlane, resource: dict[str, Any]) -> bool:
    """Whether it wanted to delete this object and was forbidden to."""
    metadata = resource["metadata"]
    wanted = ("delete", _USER, metadata["namespace"], metadata["name"], HTTPStatus.FORBIDDEN)
    return any(
        wanted
        == (
            event["verb"],
            event["user"]["username"],
            event["objectRef"].get("namespace"),
            event["objectRef"].get("name"),
            event["responseStatus"]["code"],
        )
        for event in control_plane.audit_events()
        if "objectRef" in event and "responseStatus" in event
    )
