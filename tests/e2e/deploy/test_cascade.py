"""The guard and those who delete by themselves: garbage collector and namespace controller."""

from http import HTTPStatus

import pytest

from tests import crds
from tests.controlplane import ControlPlane
from tests.e2e.collector import was_refused
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.deploy.marked import created, exists, mark, path_in
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.usefixtures("guard")


@pytest.mark.needs_control_plane_processes("reads the audit log")
def test_the_cascade_waits_for_the_mark(
    admin: KubeApi, archiver: KubeApi, namespace: str, control_plane: ControlPlane
) -> None:
    request, resource = request_with_child(admin, namespace)
    assert admin.send("DELETE", request, query={"propagationPolicy": "Background"}).ok
    eventually(lambda: admin.send("GET", request).status == HTTPStatus.NOT_FOUND)
    eventually(lambda: was_refused(control_plane, resource))
    held = admin.send("GET", path_in(resource)).body
    assert "deletionTimestamp" not in held["metadata"]
    assert mark(archiver, resource).ok
    # It asks again after about as long as it has been refused so far.
    eventually(lambda: not exists(admin, resource))


def request_with_child(admin: KubeApi, namespace: str) -> tuple[str, Object]:
    """A parent's path, and a completed child that the garbage collector deletes after it."""
    definition = crds.load("remediationrequest")["spec"]
    version = f"{definition['group']}/{definition['versions'][0]['name']}"
    collection = f"/apis/{version}/namespaces/{namespace}/{definition['names']['plural']}"
    kind = definition["names"]["kind"]
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "parent"}, "spec": {}}
    parent = admin.send("POST", collection, body)
    assert parent.ok, parent.message
    owner = {
        "apiVersion": version,
        "kind": kind,
        "name": "parent",
        "uid": parent.body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return f"{collection}/parent", created(admin, namespace, ownerReferences=[owner])


def test_a_namespace_that_is_being_deleted_goes_once_all_in_it_is_archived(
    admin: KubeApi, archiver: KubeApi, own_namespace: str
) -> None:
    resource = created(admin, own_namespace)
    path = f"/api/v1/namespaces/{own_namespace}"
    admin.send("DELETE", path)
    eventually(lambda: "not archived yet" in str(admin.send("GET", path).body["status"]))
    assert mark(archiver, resource).ok
    eventually(lambda: admin.send("GET", path).status == HTTPStatus.NOT_FOUND)
