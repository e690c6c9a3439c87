"""Two clusters that have to answer alike: a real API server, and the demo's in memory."""

import json
import time
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from kubernetes import client, config

from demo.apiserver import ApiServer
from demo.cluster import Cluster, Served
from tests.controlplane import ControlPlane
from tests.controlplane.cluster import Cluster as RealCluster

Object = dict[str, Any]

GROUP = "contract.example.com"
TICKETS = Served(GROUP, ("v1", "v1beta1"), "tickets", "Ticket")
PARENTS = Served(GROUP, ("v1",), "parents", "Parent")
_RIGHTS = ("list tickets", "patch tickets", "list parents", "get namespaces", "list namespaces")


class ClusterUnderTest(Protocol):
    """What a test does to a cluster behind the archiver's back."""

    @property
    def kubeconfig(self) -> Path:
        """An administrator's."""

    def create(self, manifest: Object) -> Object:
        """A new object as the server stored it."""

    def update(self, changed: Object) -> Object:
        """The object as it is stored now."""

    def delete(self, doomed: Object) -> None:
        """Gone, or being deleted where a finalizer holds it."""

    def get(self, known: Object) -> Object:
        """The object as it is now."""

    def uid_of_kube_system(self) -> str:
        """The cluster's identity."""

    def expire_lists(self) -> None:
        """Make all continue tokens too old."""

    def powerless(self) -> Path:
        """A kubeconfig of somebody who may do nothing."""


class Fake:
    """The demo's API server."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster([TICKETS, PARENTS])
        self.server = ApiServer(self.cluster)
        self.kubeconfig = self.server.write_kubeconfig(folder / "fake.kubeconfig")
        self.create = self.cluster.create
        self.update = self.cluster.update
        self.delete = self.cluster.delete
        self.expire_lists = self.cluster.expire_lists

    def get(self, known: Object) -> Object:
        return self.cluster.find_like(known)

    def uid_of_kube_system(self) -> str:
        known = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
        return str(self.get(known)["metadata"]["uid"])

    def powerless(self) -> Path:
        self.cluster.forbidden.update(_RIGHTS)
        return self.kubeconfig

    def close(self) -> None:
        self.server.stop()


class Real:
    """A real API server, through its administrator's kubeconfig."""

    def __init__(self, cluster: RealCluster) -> None:
        self._cluster = cluster
        self.kubeconfig = cluster.kubeconfig
        load = config.new_client_from_config
        self._api: client.ApiClient = load(config_file=str(self.kubeconfig))  # type: ignore[no-untyped-call]
        for served in (TICKETS, PARENTS):
            self._define(served)

    def create(self, manifest: Object) -> Object:
        return self._send("POST", _path(manifest), manifest)

    def update(self, changed: Object) -> Object:
        return self._send("PUT", _path(changed, named=True), changed)

    def delete(self, doomed: Object) -> None:
        self._send("DELETE", _path(doomed, named=True))

    def get(self, known: Object) -> Object:
        return self._send("GET", _path(known, named=True))

    def uid_of_kube_system(self) -> str:
        return str(self._send("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"])

    def expire_lists(self) -> None:
        # A server that still has the list in its cache would go on answering.
        assert isinstance(self._cluster, ControlPlane)
        self._cluster.compact_etcd()
        self._cluster.stop_apiserver()
        self._cluster.start_apiserver()

    def powerless(self) -> Path:
        name = f"powerless-{uuid4()}"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        self._send("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        return self._cluster.kubeconfig_for_service_account("default", name)

    def close(self) -> None:
        for served in (TICKETS, PARENTS):
            self._send("DELETE", f"{_DEFINITIONS}/{served.plural}.{served.group}")
        self._api.close()  # type: ignore[no-untyped-call]

    def _define(self, served: Served) -> None:
        self._send("POST", _DEFINITIONS, _definition(served))
        for version in served.versions:
            self._wait_for(f"/apis/{served.group}/{version}/{served.plural}")

    def _wait_for(self, path: str) -> None:
        deadline = time.monotonic() + 30
        while self._status("GET", path)[0] != 200:
            assert time.monotonic() < deadline, path
            time.sleep(0.05)

    def _send(self, method: str, path: str, body: object = None) -> Object:
        status, data = self._status(method, path, body)
        assert status < 300, (method, path, data)
        answer: Object = json.loads(data)
        return answer

    def _status(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if auth := self._api.configuration.auth_settings().get("BearerToken"):
            headers["Authorization"] = auth["value"]
        pool = self._api.rest_client.pool_manager
        data = None if body is None else json.dumps(body)
        answer = pool.request(
            method, self._api.configuration.host + path, body=data, headers=headers
        )
        return answer.status, answer.data


_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _path(some: Object, *, named: bool = False) -> str:
    metadata = some["metadata"]
    name = f"/{metadata['name']}" if named else ""
    if some["apiVersion"] == "v1":
        return f"/api/v1/namespaces{name}"
    plural = f"{some['kind'].lower()}s"
    return f"/apis/{some['apiVersion']}/namespaces/{metadata['namespace']}/{plural}{name}"


def _definition(served: Served) -> Object:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"schema": {"openAPIV3Schema": anything}, "served": True}
    versions = [
        {"name": name, "storage": not index, **schema} for index, name in enumerate(served.versions)
    ]
    names = {"plural": served.plural, "singular": served.kind.lower(), "kind": served.kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{served.plural}.{served.group}"},
        "spec": {
            "group": served.group,
            "scope": "Namespaced",
            "names": names,
            "versions": versions,
        },
    }
