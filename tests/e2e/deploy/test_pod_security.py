"""The Pod Security standard "restricted" is in force in the namespace, and every pod meets it."""

import copy
from collections.abc import Callable
from http import HTTPStatus

import pytest

from tests.e2e.deploy.kube_api import DRY_RUN, Answer, KubeApi, Object
from tests.manifests import NAMESPACE, job_specs

pytestmark = pytest.mark.usefixtures("installation")

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
JOBS = sorted(job_specs())


def pod_of(job: str) -> Object:
    """The pod that the Job controller makes of this Job's template."""
    template = copy.deepcopy(job_specs()[job]["template"])
    metadata = {**template["metadata"], "name": f"{job}-x", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def try_out(admin: KubeApi, pod: Object) -> Answer:
    return admin.send("POST", PODS, pod, query={**DRY_RUN, "fieldValidation": "Strict"})


@pytest.mark.parametrize("job", JOBS)
def test_every_pod_is_admitted_without_a_warning(admin: KubeApi, job: str) -> None:
    answer = try_out(admin, pod_of(job))
    assert answer.status == HTTPStatus.CREATED, answer.message
    assert answer.warnings == ()


def _root(spec: Object) -> None:
    spec["securityContext"]["runAsUser"] = 0


def _escalating(spec: Object) -> None:
    del spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"]


def _capable(spec: Object) -> None:
    spec["containers"][0]["securityContext"]["capabilities"] = {}


def _without_seccomp(spec: Object) -> None:
    del spec["securityContext"]["seccompProfile"]


def _of_the_host(spec: Object) -> None:
    spec["hostNetwork"] = True


def _with_the_hosts_files(spec: Object) -> None:
    spec["volumes"].append({"name": "root", "hostPath": {"path": "/"}})


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    "weaken",
    [
        _root,
        _escalating,
        _capable,
        _without_seccomp,
        _of_the_host,
        _with_the_hosts_files,
    ],
)
def test_a_weaker_pod_is_refused(
    admin: KubeApi, job: str, weaken: Callable[[Object], None]
) -> None:
    pod = pod_of(job)
    weaken(pod["spec"])
    answer = try_out(admin, pod)
    assert answer.status == HTTPStatus.FORBIDDEN
    assert 'violates PodSecurity "restricted:' in answer.message
