"""What becomes of a Job whose pod ended so or so: the real Job controller, and no node.

The kubelet's part, a pod's status, is written by the test.
"""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.deploy.installation import delete
from tests.e2e.deploy.kube_api import KubeApi, Object, path_of
from tests.e2e.waiting import eventually
from tests.manifests import NAMESPACE, job_specs

pytestmark = pytest.mark.needs_control_plane_processes("a kubelet would write the pods' status")

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
# Those that are tried again at all.
JOBS = ("archiver", "archiver-backfill", "archiver-migrate")
AT_ONCE = (1, 65, 78)
AGAIN = (2, 70, 75, 137, 143)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a pod ended; `disrupted` by a drain, an eviction or a preemption."""

    code: int
    disrupted: bool = False

    @property
    def status(self) -> Object:
        terminated = {"exitCode": self.code, "startedAt": None, "finishedAt": None}
        container = {
            "name": "archiver",
            "image": "none",
            "imageID": "none",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": terminated},
        }
        disruption = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        conditions = [disruption] if self.disrupted else []
        return {
            "phase": "Succeeded" if self.code == 0 else "Failed",
            "containerStatuses": [container],
            "conditions": conditions,
        }


ENDINGS = (
    Ending(0),
    *(Ending(code) for code in (*AT_ONCE, *AGAIN)),
    *(Ending(code, disrupted=True) for code in (1, 75, 137)),
)


class StartedJob:
    """One Job on the cluster."""

    def __init__(self, api: KubeApi, template: str, ending: Ending) -> None:
        """Start it from a manifest's template."""
        disrupted = "-disrupted" if ending.disrupted else ""
        name = f"{template}-exit-{ending.code}{disrupted}"
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {**copy.deepcopy(job_specs()[template]), "ttlSecondsAfterFinished": None},
        }
        self._api = api
        self._selector = {"labelSelector": f"batch.kubernetes.io/job-name={name}"}
        self.path = path_of(job)
        answer = api.apply(job)
        assert answer.ok, answer.message

    @property
    def status(self) -> Object:
        return dict(self._api.send("GET", self.path).body["status"])

    @property
    def failures(self) -> list[str]:
        conditions = self.status.get("conditions", [])
        return [c["reason"] for c in conditions if c["type"] == "Failed" and c["status"] == "True"]

    def pods(self) -> list[Object]:
        return list(self._api.send("GET", PODS, query=self._selector).body["items"])

    def has_a_pod(self) -> bool:
        return any(pod["status"]["phase"] == "Pending" for pod in self.pods())

    def end_pod(self, ending: Ending) -> None:
        (pod,) = self.pods()
        status = f"{path_of({**pod, 'apiVersion': 'v1', 'kind': 'Pod'})}/status"
        assert self._api.merge(status, {"status": ending.status}).ok


@pytest.fixture(scope="module", params=JOBS)
def jobs(
    request: pytest.FixtureRequest, admin: KubeApi, installation: list[Object]
) -> Iterator[dict[Ending, StartedJob]]:
    """A Job for every ending, all at the same time: a second try begins after ten seconds."""
    started = {ending: StartedJob(admin, request.param, ending) for ending in ENDINGS}
    for job in started.values():
        eventually(job.has_a_pod)
    for ending, job in started.items():
        job.end_pod(ending)
    yield started
    for job in started.values():
        delete(admin, job.path)


def test_success_completes_it(jobs: dict[Ending, StartedJob]) -> None:
    job = jobs[Ending(0)]
    eventually(lambda: job.status.get("succeeded") == 1)
    assert not job.failures


@pytest.mark.parametrize("code", AT_ONCE)
def test_what_needs_a_person_fails_at_once(jobs: dict[Ending, StartedJob], code: int) -> None:
    job = jobs[Ending(code)]
    eventually(lambda: job.failures == ["PodFailurePolicy"])
    assert len(job.pods()) == 1


@pytest.mark.parametrize("code", AGAIN)
def test_everything_else_is_tried_again(jobs: dict[Ending, StartedJob], code: int) -> None:
    job = jobs[Ending(code)]
    eventually(job.has_a_pod)
    assert len(job.pods()) == 2
    assert job.status["failed"] == 1
    assert not job.failures


@pytest.mark.parametrize("code", [1, 75, 137])
def test_a_disruption_is_tried_again_and_is_no_failure(
    jobs: dict[Ending, StartedJob], code: int
) -> None:
    job = jobs[Ending(code, disrupted=True)]
    eventually(job.has_a_pod)
    assert "failed" not in job.status
    assert not job.failures
