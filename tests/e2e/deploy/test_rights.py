"""What the archiver's ServiceAccount may do: exactly the golden file rights.txt."""

from itertools import product
from pathlib import Path

import pytest

from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.manifests import NAMESPACE, USERNAME

GOLDEN = Path(__file__).with_name("rights.txt")
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def rights(api: KubeApi, namespace: str) -> set[str]:
    """`verb group/resource[/name]` of everything this user may do there; reviews of itself too."""
    answer = api.send("POST", RULES, {"spec": {"namespace": namespace}})
    assert answer.ok, answer.message
    assert not answer.body["status"]["incomplete"]
    rules: list[Object] = answer.body["status"]["resourceRules"]
    return {
        "/".join([f"{verb} {group}", resource, *name])
        for rule in rules
        for verb, group, resource in product(rule["verbs"], rule["apiGroups"], rule["resources"])
        for name in ([[n] for n in rule.get("resourceNames", [])] or [[]])
    }


@pytest.fixture(scope="module")
def nobody(control_plane: Cluster, installation: list[Object]) -> set[str]:
    """What every authenticated user may do: ask about itself."""
    kubeconfig = control_plane.kubeconfig_for_service_account(NAMESPACE, "default")
    return rights(KubeApi(kubeconfig), "default")


@pytest.mark.parametrize("namespace", ["default", "kube-system", NAMESPACE])
def test_are_the_golden_file(archiver: KubeApi, nobody: set[str], namespace: str) -> None:
    assert sorted(rights(archiver, namespace) - nobody) == GOLDEN.read_text().splitlines()


def test_of_the_migration_are_nobodys(control_plane: Cluster, nobody: set[str]) -> None:
    kubeconfig = control_plane.kubeconfig_for_service_account(NAMESPACE, "archiver-migrate")
    assert rights(KubeApi(kubeconfig), NAMESPACE) == nobody


OURS = "remediationprocessing.kubernaut.io/remediationprocessings"
POLICIES = "admissionregistration.k8s.io/validatingadmissionpolicies"
RBAC = "rbac.authorization.k8s.io"


@pytest.mark.usefixtures("archiver")
@pytest.mark.parametrize(
    "right",
    [
        *(f"{verb} {OURS}" for verb in ("get", "watch", "create", "update", "delete", "*")),
        f"deletecollection {OURS}",
        *(f"{verb} {OURS}/status" for verb in ("get", "update", "patch", "*")),
        *(f"{verb} {OURS}/finalizers" for verb in ("update", "patch")),
        *(f"{verb} /secrets" for verb in ("get", "list", "watch", "*")),
        *(f"{verb} /configmaps" for verb in ("get", "list", "create")),
        *(f"{verb} /pods" for verb in ("get", "list", "create", "delete")),
        "create /pods/exec",
        "create /serviceaccounts/token",
        *(f"impersonate /{whom}" for whom in ("users", "groups", "serviceaccounts")),
        *(f"{verb} /namespaces" for verb in ("get", "watch", "create", "patch", "delete")),
        *(f"{verb} remediation.kubernaut.io/remediationrequests" for verb in ("get", "delete")),
        "patch kubernaut.ai/remediationrequests",
        *(f"{verb} {POLICIES}" for verb in ("get", "list", "create", "patch", "delete")),
        *(f"{verb} {POLICIES}/guard.archiver.kubernaut.io" for verb in ("patch", "delete")),
        *(f"{verb} {RBAC}/clusterroles" for verb in ("get", "create", "escalate", "bind")),
        "create admissionregistration.k8s.io/mutatingadmissionpolicies",
        "get apiextensions.k8s.io/customresourcedefinitions",
        "* */*",
    ],
)
def test_there_is_no(admin: KubeApi, right: str) -> None:
    assert not allowed(admin, right)


@pytest.mark.usefixtures("archiver")
@pytest.mark.parametrize("right", GOLDEN.read_text().splitlines())
def test_there_is(admin: KubeApi, right: str) -> None:
    assert allowed(admin, right)


def allowed(admin: KubeApi, right: str) -> bool:
    """What `kubectl auth can-i --as` asks. The part after the resource is a name or subresource."""
    verb, what = right.split()
    group, resource, *rest = what.split("/")
    part = rest[0] if rest else ""
    key = "subresource" if part in {"status", "finalizers", "exec", "token"} else "name"
    attributes = {"verb": verb, "group": group, "resource": resource, key: part}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
    spec = {
        "user": USERNAME,
        "groups": [*groups, "system:authenticated"],
        "resourceAttributes": attributes,
    }
    answer = admin.send("POST", ACCESS, {"spec": spec})
    assert answer.ok, answer.message
    return bool(answer.body["status"]["allowed"])
