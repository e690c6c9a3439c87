"""The real control plane, with as many resources as a benchmark wants."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from csv import DictReader
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from archiver.domain.evidence import evidence
from archiver.domain.mark import Mark, merge_patch
from bench.wrk import RUN
from tests import crds
from tests.controlplane import ControlPlane
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.objects import now
from tests.e2e.waiting import eventually
from tests.fakes.cluster import parsed
from tests.manifests import BASE, NAMESPACE, SERVICE_ACCOUNT, load
from tests.resources import remediation_processing

_ACCOUNT = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
_AT_ONCE = 8
# Of the API server's own FlowSchema `service-accounts`.
_LEVEL = "workload-low"
# Every five minutes the API server reads and decodes all that etcd has, to compare it with its
# cache (k8s.io/apiserver, storage/cacher/consistency): with 50,000 resources a minute of CPU, which
# would be charged to whoever has the turn.
_QUIET = "--feature-gates=DetectCacheInconsistency=false"
GROUP = "remediationprocessing.kubernaut.io"


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
        self, namespace: str, count: int, *, context_bytes: int = 8192
    ) -> list[dict[str, Any]]:
        """Completed resources, 20 hours ago; one in ten failed. As the server has them."""
        made = self.admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        assert made.ok, made.message
        path = path_in(namespace)

        def create(number: int) -> dict[str, Any]:
            body = remediation_processing(
                "A",
                now=now(),
                seed=number,
                completed_ago=timedelta(hours=20),
                namespace=namespace,
                name=f"rp-{number}",
                context_bytes=context_bytes,
                phase="failed" if number % 10 == 0 else "completed",
            )
            body["metadata"].pop("finalizers", None)
            answer = self.admin.send("POST", path, body)
            assert answer.ok, answer.message
            found: dict[str, Any] = answer.body
            return found

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(create, range(count)))

    def requests(self) -> int:
        """How many requests of the resource the API server has answered so far."""
        text = str(self.admin.send("GET", "/metrics").body)
        return sum(
            round(float(line.rpartition(" ")[2]))
            for line in text.splitlines()
            if line.startswith("apiserver_request_total{") and 'resource="remediationproc' in line
        )

    def under_way(self) -> int:
        """How many requests of service accounts the API server works on, or lets wait."""
        level = self._level()
        return int(level["WaitingRequests"]) + int(level["ExecutingRequests"])

    def begun(self) -> int:
        """How many requests of service accounts it has worked on so far, those under way too."""
        return int(self._level()["DispatchedRequests"])

    def _level(self) -> Mapping[str, str]:
        """By the debug endpoint of API Priority and Fairness: /metrics is a hundred times as long,
        and costs as much CPU as a dozen patches.
        """
        path = "/debug/api_priority_and_fairness/dump_priority_levels"
        lines = str(self.admin.send("GET", path).body).splitlines()
        levels = {one["PriorityLevelName"]: one for one in DictReader(lines, skipinitialspace=True)}
        return levels[_LEVEL]


def path_in(namespace: str) -> str:
    """The path of a namespace's resources."""
    return f"/apis/{GROUP}/v1/namespaces/{namespace}/remediationprocessings"


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
