"""Realistic resources in the cluster, with the status that their controller would have written."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from archiver.domain import mark as keys
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.resources import Shape, remediation_processing

_CREATING_AT_ONCE = 8


def now() -> datetime:
    """Our clock, which is the servers' as well."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Collection:
    """The RemediationProcessings of a namespace."""

    api: KubeApi
    namespace: str
    shape: Shape = "A"

    @property
    def path(self) -> str:
        """Its path."""
        version = "v1" if self.shape == "A" else "v1alpha1"
        group = "remediationprocessing.kubernaut.io"
        return f"/apis/{group}/{version}/namespaces/{self.namespace}/remediationprocessings"

    def create(self, seed: int, *, hours: float = 20, **wanted: Any) -> Object:
        """A resource that was completed `hours` ago, as the server has it."""
        options = {"context_bytes": 8192, "phase": "completed", **wanted}
        ago = timedelta(hours=hours)
        body = remediation_processing(
            self.shape,
            now=now(),
            seed=seed,
            completed_ago=ago,
            namespace=self.namespace,
            name=f"rp-{seed}",
            **options,
        )
        return self.put(body)

    def create_all(self, seeds: Iterable[int], **wanted: Any) -> list[Object]:
        """Many of them, some at once."""
        with ThreadPoolExecutor(_CREATING_AT_ONCE) as pool:
            return list(pool.map(lambda seed: self.create(seed, **wanted), seeds))

    def put(self, body: Object) -> Object:
        """This resource; its status by the subresource, as a POST ignores it."""
        created = self.api.send("POST", self.path, body)
        assert created.status == HTTPStatus.CREATED, created.message
        return self.write_status(dict(created.body), body["status"])

    def write_status(self, resource: Object, status: Object) -> Object:
        """Replace the status, as its controller does."""
        path = f"{self.path}/{resource['metadata']['name']}/status"
        answer = self.api.send("PUT", path, {**resource, "status": status})
        assert answer.ok, answer.message
        return dict(answer.body)

    def get(self, resource: Object) -> Object:
        """It as it is now."""
        answer = self.api.send("GET", f"{self.path}/{resource['metadata']['name']}")
        assert answer.ok, answer.message
        return dict(answer.body)

    def all(self) -> dict[str, Object]:
        """uid → resource, as they are now."""
        answer = self.api.send("GET", self.path)
        assert answer.ok, answer.message
        whole = {key: answer.body[key] for key in ("apiVersion",)}
        items = ({**whole, "kind": "RemediationProcessing", **o} for o in answer.body["items"])
        return {uid(item): item for item in items}

    def empty(self) -> None:
        """Delete them all."""
        self.api.send("DELETE", self.path)


def uid(resource: Object) -> str:
    """Its uid."""
    return str(resource["metadata"]["uid"])


def annotations(resource: Object) -> dict[str, str]:
    """Its annotations."""
    return dict(resource["metadata"].get("annotations") or {})


def is_marked(resource: Object) -> bool:
    """Whether it has anything of ours."""
    labels = resource["metadata"].get("labels") or {}
    return any(key.startswith(keys.PREFIX) for key in [*annotations(resource), *labels])


def digest_in_mark(resource: Object) -> str | None:
    """What its mark says is stored."""
    return annotations(resource).get(keys.DIGEST)


def without_volatile(resource: Object) -> Object:
    """What the archive keeps of it, and what nobody else may change."""
    metadata = dict(resource["metadata"])
    for key in ("managedFields", "resourceVersion"):
        metadata.pop(key, None)
    for key in ("labels", "annotations"):
        others = (metadata.pop(key, None) or {}).items()
        if kept := {k: v for k, v in others if not k.startswith(keys.PREFIX)}:
            metadata[key] = kept
    return {**resource, "metadata": metadata}
