"""The real control plane, with as many resources as a benchmark wants."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from archiver.domain.evidence import evidence
from archiver.domain.mark import Mark, merge_patch
from bench.population import processing
from bench.wrk import RUN
from tests import crds
from tests.controlplane import ControlPlane
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.priority_levels import priority_level
from tests.e2e.run.objects import now
from tests.e2e.waiting import eventually
from tests.fakes.cluster import parsed
from tests.manifests import BASE, NAMESPACE, SERVICE_ACCOUNT, load
from tests.resources import remediation_request

_ACCOUNT = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
_AT_ONCE = 8
# Of the API server's own FlowSchema `service-accounts`.
_LEVEL = "workload-low"
# Every five minutes the API server reads and decodes all that etcd has, to compare it with its
# cache (k8s.io/apiserver, storage/cacher/consistency): with 50,000 resources a minute of CPU, which
# would be charged to whoever has the turn.
_QUIET = "--feature-gates=DetectCacheInconsistency=false"


@dataclass(frozen=True, slots=True)
class BenchCluster:
    """A control plane in which the archiver has its account and the resource is served."""

    control_plane: ControlPlane
    admin: KubeApi
    account: Path

    @property
    def token(self) -> str:
        """The archiver's own, so that the floor is authenticated and authorized as it is."""
        user = yaml.safe_load(self.account.read_text())["users"][0]["user"]
        return str(user["token"])

    def processes(self) -> dict[str, int]:
        """The servers' process ids."""
        servers = self.control_plane
        return {"apiServer": servers.apiserver.process.pid, "etcd": servers.etcd.process.pid}

    def seed(
        self,
        namespace: str,
        count: int,
        *,
        keep: int = 0,
        context_bytes: int = 8192,
        even: bool = False,
    ) -> list[dict[str, Any]]:
        """Make resources, each with an owner (see `bench.population`).

        Returns the first `keep` as the server has them: all of 50,000 would take gigabytes.
        """
        made = self.admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert made.ok, made.message

        def create(number: int) -> dict[str, Any]:
            owner = remediation_request(f"rr-{number}", namespace)
            parent = self._post(_path("remediation", "v1alpha1", namespace, "request"), owner)
            body = processing(number, parent, context_bytes=context_bytes, even=even)
            return self._post(path_in(namespace), body)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [
                one for number, one in enumerate(pool.map(create, range(count))) if number < keep
            ]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.admin.send("POST", path, body)
        assert answer.ok, answer.message
        found: dict[str, Any] = answer.body
        return found

    def requests(self) -> int:
        """How many requests of resources and their owners the API server has answered so far."""
        text = str(self.admin.send("GET", "/metrics").body)
        return sum(
            round(float(line.rpartition(" ")[2]))
            for line in text.splitlines()
            if line.startswith("apiserver_request_total{") and 'resource="remediation' in line
        )

    def under_way(self) -> int:
        """How many requests of service accounts the API server works on, or lets wait."""
        level = priority_level(self.admin, _LEVEL)
        return int(level["WaitingRequests"]) + int(level["ExecutingRequests"])

    def begun(self) -> int:
        """How many requests of service accounts it has worked on so far, those under way too."""
        return int(priority_level(self.admin, _LEVEL)["DispatchedRequests"])


def path_in(namespace: str) -> str:
    """The path of a namespace's resources."""
    return _path("remediationprocessing", "v1", namespace, "processing")


def _path(group: str, version: str, namespace: str, what: str) -> str:
    return f"/apis/{group}.kubernaut.io/{version}/namespaces/{namespace}/remediation{what}s"


def marks_of(namespace: str, resources: list[dict[str, Any]], file: Path) -> Path:
    """A file with the path and the patch of each: what the archiver sends, less the preconditions.

    A load tool sends a patch more than once, and a resourceVersion fits only once.
    """
    with file.open("w") as lines:
        for whole in resources:
            resource = parsed(whole)
            at = now()
            mark = Mark(evidence(resource).digest, resource.key.uid, "completed", "s", RUN, at)
            patch = merge_patch(resource.metadata, mark)
            for name in ("uid", "resourceVersion"):
                patch["metadata"].pop(name, None)
            lines.write(f"{path_in(namespace)}/{resource.metadata.name} {json.dumps(patch)}\n")
    return file


@contextmanager
def bench_cluster() -> Iterator[BenchCluster]:
    """Started, with the CRD whose status a POST may write: that halves the time of seeding."""
    definition = crds.load(crds.BY_SHAPE["A"])
    for version in definition["spec"]["versions"]:
        version["subresources"] = {}
    parts = [o for o in load(BASE) if o["kind"] in _ACCOUNT]
    with ControlPlane.start(apiserver_flags=[_QUIET]) as control_plane:
        admin = KubeApi(control_plane.kubeconfig)
        # Never taken away: the control plane goes as a whole, and deleting 50,000 takes minutes.
        for manifest in [*parts, crds.load("remediationrequest"), definition]:
            answer = admin.apply(manifest)
            assert answer.ok, answer.message
        eventually(lambda: admin.send("GET", path_in("default")).ok)
        account = control_plane.kubeconfig_for_service_account(NAMESPACE, SERVICE_ACCOUNT)
        api = KubeApi(account)
        eventually(lambda: api.send("GET", "/api/v1/namespaces/kube-system").ok)
        api.close()
        yield BenchCluster(control_plane, admin, account)
        admin.close()
