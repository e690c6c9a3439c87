"""The archiver writes nothing but its mark, and takes away nothing but its finalizer."""

from collections.abc import Iterator
from typing import Any

import pytest

from archiver.domain import mark as keys
from tests.e2e.deploy.installation import applied, resources_in
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.deploy.marked import ANNOTATIONS, FOREIGN, created, mark, path_in
from tests.e2e.deploy.refusals import LIMIT, refused_by
from tests.e2e.waiting import eventually
from tests.manifests import NAMESPACE, SERVICE_ACCOUNT
from tests.policy_cases import CASES, PhaseCase

pytestmark = pytest.mark.usefixtures("guard")


@pytest.fixture(scope="module")
def almighty(admin: KubeApi, archiver: KubeApi) -> Iterator[KubeApi]:
    """The archiver's account with every right there is: what holds it back now is the policy."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "almighty-archiver"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}],
    }
    with applied(admin, [binding]):
        eventually(lambda: archiver.send("GET", "/api/v1/secrets").ok)
        yield archiver
    eventually(lambda: not archiver.send("GET", "/api/v1/secrets").ok)


def test_the_archiver_marks_and_releases_in_one_patch(
    admin: KubeApi, archiver: KubeApi, resource: Object
) -> None:
    assert mark(archiver, resource).ok
    now = admin.send("GET", path_in(resource)).body
    assert now["metadata"]["finalizers"] == [FOREIGN]
    assert now["metadata"]["labels"] == {"team": "payments", keys.STATE_LABEL: keys.ARCHIVED}
    assert now["metadata"]["generation"] == resource["metadata"]["generation"]
    assert {key: now[key] for key in ("spec", "status")} == {
        key: resource[key] for key in ("spec", "status")
    }


def test_the_archiver_refreshes_and_removes_its_mark(archiver: KubeApi, resource: Object) -> None:
    marked = mark(archiver, resource)
    assert mark(archiver, marked.body).ok
    gone = {"labels": {keys.STATE_LABEL: None}, "annotations": dict.fromkeys(ANNOTATIONS)}
    assert archiver.merge(path_in(resource), {"metadata": gone}).ok


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_shape_of_a_resource_keeps_the_archiver_from_marking_it(
    admin: KubeApi, archiver: KubeApi, namespace: str, case: PhaseCase
) -> None:
    answer = admin.send("POST", resources_in(namespace), case.resource(f"marked-{case.name}"))
    assert answer.ok, answer.message
    annotations = {keys.UID: answer.body["metadata"]["uid"], keys.PHASE: case.phase[:63]}
    patch = {"metadata": {"labels": {keys.STATE_LABEL: "x"}, "annotations": annotations}}
    marked = archiver.merge(path_in(answer.body), patch)
    assert marked.ok, marked.message


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"spec": {"signal": {"fingerprint": "0" * 64}}}, id="spec"),
        pytest.param({"spec": {"more": 1}}, id="a field more"),
        pytest.param({"spec": {"signal": None}}, id="a field less"),
        pytest.param({"spec": None}, id="no spec"),
        pytest.param({"status": {"phase": "completed"}}, id="status"),
        pytest.param({"status": None}, id="no status"),
        pytest.param({"metadata": {"labels": {"team": "mine"}}}, id="a label changed"),
        pytest.param({"metadata": {"labels": {"team": None}}}, id="a label removed"),
        pytest.param({"metadata": {"labels": {"new": "label"}}}, id="a label added"),
        pytest.param({"metadata": {"labels": None}}, id="no labels"),
        pytest.param(
            {"metadata": {"labels": {"archiver.kubernaut.io/other": "x"}}}, id="another own label"
        ),
        pytest.param({"metadata": {"annotations": {"note": "mine"}}}, id="an annotation changed"),
        pytest.param({"metadata": {"annotations": {"note": None}}}, id="an annotation removed"),
        pytest.param({"metadata": {"annotations": {"new": "one"}}}, id="an annotation added"),
        pytest.param(
            {"metadata": {"annotations": {"archiver.kubernaut.io/state": "archived"}}},
            id="the label's key as annotation",
        ),
        pytest.param({"metadata": {"finalizers": [keys.FINALIZER]}}, id="a foreign finalizer less"),
        pytest.param({"metadata": {"finalizers": None}}, id="no finalizers"),
        pytest.param(
            {"metadata": {"finalizers": [FOREIGN, keys.FINALIZER, "example.com/new"]}},
            id="a finalizer more",
        ),
        pytest.param(
            {"metadata": {"finalizers": [keys.FINALIZER, FOREIGN]}}, id="finalizers in other order"
        ),
        pytest.param(
            {
                "metadata": {
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}
                    ]
                }
            },
            id="an owner",
        ),
    ],
)
def test_the_archiver_changes_nothing_else(
    archiver: KubeApi, resource: Object, patch: dict[str, Any]
) -> None:
    assert refused_by(archiver.merge(path_in(resource), patch), LIMIT)


def test_no_right_lets_the_archiver_do_more(
    almighty: KubeApi, admin: KubeApi, own_namespace: str
) -> None:
    resource = created(admin, own_namespace)
    body = {key: resource[key] for key in ("apiVersion", "kind", "spec", "status")}
    collection = resources_in(own_namespace)
    creation = almighty.send("POST", collection, {**body, "metadata": {"name": "its-own"}})
    assert refused_by(creation, LIMIT)
    assert mark(almighty, resource).ok
    assert refused_by(almighty.send("DELETE", path_in(resource)), LIMIT)
    assert refused_by(almighty.send("DELETE", collection), LIMIT)
    changed = {**admin.send("GET", path_in(resource)).body, "spec": {}}
    assert refused_by(almighty.send("PUT", path_in(resource), changed), LIMIT)
    status = f"{path_in(resource, 'v2')}/status"
    assert refused_by(almighty.merge(status, {"status": {"phase": "Failed"}}), LIMIT)
