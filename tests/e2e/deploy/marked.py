"""Resources in a cluster, and the mark as the archiver writes it."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import msgspec

from archiver.domain import mark as keys
from archiver.domain.mark import Mark, merge_patch
from archiver.domain.metadata import Metadata
from archiver.domain.shapes import normal_phase
from tests.e2e.deploy.installation import GROUP, resources_in
from tests.e2e.deploy.kube_api import Answer, KubeApi, Object

COMPLETED = {"phase": "Completed"}
ANNOTATIONS = (keys.DIGEST, keys.UID, keys.PHASE, keys.STORE, keys.RUN, keys.ARCHIVED_AT)
FOREIGN = "example.com/held"
BREAK_GLASS = "archiver.kubernaut.io/break-glass"


def created(api: KubeApi, namespace: str, status: Any = COMPLETED, **metadata: Any) -> Object:
    """A new resource with this status, as the API server answered."""
    resource = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RemediationProcessing",
        "metadata": {"name": f"one-{uuid4()}", **metadata},
        "spec": {"signal": {"fingerprint": "f" * 64}},
        "status": status,
    }
    answer = api.send("POST", resources_in(namespace), resource)
    assert answer.status == 201, answer.message
    return dict(answer.body)


def path_in(resource: Object, version: str = "v1") -> str:
    """Where it is, as this version."""
    metadata = resource["metadata"]
    return f"{resources_in(metadata['namespace'], version)}/{metadata['name']}"


def mark_of(resource: Object) -> Mark:
    """What a valid mark of it says, apart from the digest."""
    phase = normal_phase(resource["status"]["phase"])
    uid = resource["metadata"]["uid"]
    return Mark("d" * 64, uid, phase, "store", "run", datetime.now(UTC))


def mark(api: KubeApi, resource: Object) -> Answer:
    """Write the mark, with the patch that the archiver sends."""
    metadata = msgspec.convert(resource["metadata"], Metadata)
    return api.merge(path_in(resource), merge_patch(metadata, mark_of(resource)))


def delete(api: KubeApi, resource: Object, **query: str) -> Answer:
    """Ask for its deletion."""
    return api.send("DELETE", path_in(resource), query=query)


def exists(api: KubeApi, resource: Object) -> bool:
    """Whether there is still something under its name."""
    return api.send("GET", path_in(resource)).status != HTTPStatus.NOT_FOUND


def break_glass(api: KubeApi, namespace: str, value: str | None) -> None:
    """Set the label, or with None remove it; it counts a moment later."""
    patch = {"metadata": {"labels": {BREAK_GLASS: value}}}
    assert api.merge(f"/api/v1/namespaces/{namespace}", patch).ok
