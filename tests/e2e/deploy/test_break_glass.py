"""The way past the guard in an emergency, and the trace it leaves."""

from http import HTTPStatus

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi
from tests.e2e.deploy.marked import break_glass, created, delete, path_in
from tests.e2e.deploy.refusals import held
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.usefixtures("guard")


@pytest.mark.parametrize("value", ["true", "", "INC-4711"])
def test_break_glass_opens_a_namespace(admin: KubeApi, own_namespace: str, value: str) -> None:
    resource = created(admin, own_namespace)
    assert held(delete(admin, resource))
    break_glass(admin, own_namespace, value)
    eventually(lambda: not held(delete(admin, resource, **DRY_RUN)))
    break_glass(admin, own_namespace, "false")
    eventually(lambda: held(delete(admin, resource, **DRY_RUN)))
    break_glass(admin, own_namespace, value)
    eventually(lambda: not held(delete(admin, resource)))


def test_break_glass_opens_a_namespace_that_is_being_deleted(
    admin: KubeApi, own_namespace: str
) -> None:
    resource = created(admin, own_namespace)
    path = f"/api/v1/namespaces/{own_namespace}"
    admin.send("DELETE", path)
    # The namespace controller has asked, was refused, and says so.
    eventually(lambda: "not archived yet" in str(admin.send("GET", path).body["status"]))
    assert "deletionTimestamp" not in admin.send("GET", path_in(resource)).body["metadata"]
    break_glass(admin, own_namespace, "true")
    eventually(lambda: admin.send("GET", path).status == HTTPStatus.NOT_FOUND)


@pytest.mark.needs_control_plane_processes("reads the audit log")
def test_what_break_glass_lets_go_is_in_the_audit_log(
    admin: KubeApi, control_plane: ControlPlane, own_namespace: str
) -> None:
    resource = created(admin, own_namespace)
    break_glass(admin, own_namespace, "true")
    eventually(lambda: not held(delete(admin, resource)))
    key = "guard.archiver.kubernaut.io/deleted-unarchived"

    def said() -> list[str]:
        events = (e for e in control_plane.audit_events() if key in e.get("annotations", {}))
        ours = (e for e in events if e["objectRef"]["namespace"] == own_namespace)
        return [event["annotations"][key] for event in ours]

    # The event is written after the answer.
    eventually(lambda: bool(said()))
    (text,) = said()
    assert text.startswith(f"{resource['metadata']['uid']} was completed")
