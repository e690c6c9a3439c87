"""One user's requests to an API server, with the answers as they come: refusals are answers too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias

from kubernetes import client, config

Object: TypeAlias = dict[str, Any]

MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY: Final = "application/apply-patch+yaml"
DRY_RUN: Final = {"dryRun": "All"}

_CLUSTER_SCOPED: Final = frozenset(
    {
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "FlowSchema",
        "PriorityLevelConfiguration",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API server. `warnings` are those it gives beside a success, `flow_schema` is
    the uid of the FlowSchema that the request fell under.
    """

    status: int
    body: Any
    warnings: tuple[str, ...] = ()
    flow_schema: str = ""

    @property
    def ok(self) -> bool:
        """Whether the server did it."""
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def message(self) -> str:
        """What a refusal says."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else str(self.body)

    @property
    def is_policys(self) -> bool:
        """Whether a ValidatingAdmissionPolicy refused it, and not a missing right or object."""
        return not self.ok and "ValidatingAdmissionPolicy" in self.message


class KubeApi:
    """The API server as the user of a kubeconfig meets it."""

    def __init__(self, kubeconfig: Path) -> None:
        """The current context counts."""
        load = config.new_client_from_config
        self._api: client.ApiClient = load(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """One request."""
        request = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Content-Type": content_type, "Accept": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = self._api.call_api(*request).response
        data = response.data
        try:
            decoded = json.loads(data)
        except ValueError:
            decoded = data.decode()
        warnings = tuple(response.headers.getlist("Warning"))
        flow_schema = response.headers.get("X-Kubernetes-PF-FlowSchema-UID", "")
        return Answer(response.status, decoded, warnings, flow_schema)

    def apply(self, manifest: Object, **query: str) -> Answer:
        """Server-side apply: creates or changes. Unknown and doubled fields are errors."""
        query = {"fieldManager": "tests", "force": "true", "fieldValidation": "Strict", **query}
        path = path_of(manifest)
        return self.send("PATCH", path, manifest, query=query, content_type=APPLY)

    def merge(self, path: str, patch: Object, **query: str) -> Answer:
        """A JSON merge patch."""
        return self.send("PATCH", path, patch, query=query, content_type=MERGE_PATCH)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()  # type: ignore[no-untyped-call]


def collection_of(api_version: str, kind: str, namespace: str | None) -> str:
    """The path of a collection."""
    root = "/apis" if "/" in api_version else "/api"
    within = "" if kind in _CLUSTER_SCOPED else f"/namespaces/{namespace}"
    singular = kind.lower()
    plural = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
    return f"{root}/{api_version}{within}/{plural}"


def path_of(manifest: Object) -> str:
    """The path of one object."""
    metadata = manifest["metadata"]
    namespace = metadata.get("namespace")
    return (
        f"{collection_of(manifest['apiVersion'], manifest['kind'], namespace)}/{metadata['name']}"
    )
