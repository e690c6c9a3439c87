"""A parent is deleted, and the real garbage collector follows."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.collector import was_refused
from tests.e2e.deploy.installation import CRD, applied, delete
from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi, Object, path_of
from tests.e2e.run.command import Archiver, succeeded
from tests.e2e.run.objects import Collection, uid
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually
from tests.manifests import GUARD, find, load
from tests.resources import remediation_request


class Family:
    """A parent, and a child that was completed too recently to be due."""

    def __init__(self, processings: Collection) -> None:
        self.processings, self.api = processings, processings.api
        namespace = processings.namespace
        body = remediation_request("rr-parent", namespace)
        group = body["apiVersion"]
        collection = f"/apis/{group}/namespaces/{namespace}/remediationrequests"
        answer = self.api.send("POST", collection, body)
        assert answer.ok, answer.message
        self.parent = f"{collection}/rr-parent"
        self.child: Object = processings.create(1, hours=1, parent=answer.body)
        self.path = f"{processings.path}/{self.child['metadata']['name']}"

    def delete_parent(self) -> None:
        """As cleanup does it: in the background."""
        query = {"propagationPolicy": "Background"}
        assert self.api.send("DELETE", self.parent, query=query).ok
        eventually(lambda: self.api.send("GET", self.parent).status == HTTPStatus.NOT_FOUND)

    def begin_to_delete_parent(self) -> None:
        """In the foreground: it stays, with a deletionTimestamp, until its children are gone."""
        query = {"propagationPolicy": "Foreground"}
        assert self.api.send("DELETE", self.parent, query=query).ok
        assert self.api.send("GET", self.parent).body["metadata"]["deletionTimestamp"]

    def child_is_gone(self) -> bool:
        """Whether the garbage collector had its way."""
        return self.api.send("GET", self.path).status == HTTPStatus.NOT_FOUND


@pytest.fixture
def family(processings: Collection) -> Family:
    """A parent and its child."""
    return Family(processings)


@pytest.fixture
def guard(admin: KubeApi, family: Family) -> Iterator[None]:
    """The guard, in force."""
    with applied(admin, load(GUARD)):
        eventually(lambda: not admin.send("DELETE", family.path, query=DRY_RUN).ok)
        yield
    eventually(lambda: admin.send("DELETE", CRD, query=DRY_RUN).ok)


def test_without_the_guard_the_child_goes(archiver: Archiver, family: Family, rows: Rows) -> None:
    family.delete_parent()
    eventually(family.child_is_gone)
    assert succeeded(archiver.run()).counts("found") == [0]
    assert rows.everything() == []


@pytest.mark.needs_control_plane_processes("reads the audit log")
@pytest.mark.usefixtures("guard")
def test_with_the_guard_it_waits_for_its_mark(
    archiver: Archiver, family: Family, rows: Rows, control_plane: ControlPlane
) -> None:
    assert succeeded(archiver.run()).counts("notDue") == [1]
    family.delete_parent()
    eventually(lambda: was_refused(control_plane, family.child))
    assert not family.child_is_gone()
    assert succeeded(archiver.run()).counts("archived") == [1]
    assert rows.newest().keys() == {uid(family.child)}
    # It asks again after about as long as it has been refused so far.
    eventually(family.child_is_gone)


@pytest.mark.needs_control_plane_processes("reads the audit log")
@pytest.mark.usefixtures("guard")
def test_with_the_guard_a_parent_in_the_foreground_does_not_hang(
    archiver: Archiver, family: Family, rows: Rows, control_plane: ControlPlane
) -> None:
    family.begin_to_delete_parent()
    eventually(lambda: was_refused(control_plane, family.child))
    assert not family.child_is_gone()
    assert succeeded(archiver.run()).counts("archived") == [1]
    assert rows.newest().keys() == {uid(family.child)}
    eventually(family.child_is_gone)
    eventually(lambda: family.api.send("GET", family.parent).status == HTTPStatus.NOT_FOUND)


@pytest.mark.usefixtures("guard")
def test_the_report_says_that_the_guard_is_in_force(archiver: Archiver) -> None:
    assert succeeded(archiver.run()).report["gate"] == "guard"


@pytest.mark.usefixtures("guard")
def test_the_report_says_that_the_guard_is_narrowed(admin: KubeApi, archiver: Archiver) -> None:
    binding = find("ValidatingAdmissionPolicyBinding", "guard.archiver.kubernaut.io")
    narrowed = {"matchResources": {"namespaceSelector": {"matchLabels": {"x": "y"}}}}
    assert admin.apply({**binding, "spec": binding["spec"] | narrowed}).ok
    done = succeeded(archiver.run())
    assert done.report["gate"] == "partial"
    (said,) = (line for line in done.err.splitlines() if '"gate.off"' in line)
    assert "by the binding's namespaceSelector" in said


@pytest.mark.usefixtures("guard")
def test_the_report_says_what_is_missing_beside_the_guard(
    admin: KubeApi, archiver: Archiver
) -> None:
    missing = find("ValidatingAdmissionPolicyBinding", "mark.archiver.kubernaut.io")
    delete(admin, path_of(missing))
    done = succeeded(archiver.run())
    assert done.report["gate"] == "partial"
    assert "beside it: there is no binding mark.archiver.kubernaut.io" in done.err


@pytest.mark.usefixtures("guard")
def test_the_report_says_that_the_guard_is_about_something_else(
    admin: KubeApi, archiver: Archiver
) -> None:
    policy = find("ValidatingAdmissionPolicy", "guard.archiver.kubernaut.io")
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    rule |= {"apiGroups": ["kubernaut.ai"], "resources": ["signalprocessings"]}
    assert admin.apply(policy).ok
    done = succeeded(archiver.run())
    assert done.report["gate"] == "none"
    assert "does not reach deletions of remediationprocessings" in done.err


@pytest.mark.usefixtures("family")
def test_the_report_says_that_there_is_no_guard(archiver: Archiver) -> None:
    assert succeeded(archiver.run()).report["gate"] == "none"
