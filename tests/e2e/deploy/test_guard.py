"""What the guard lets nobody delete; everything here is asked for by the administrator."""

from http import HTTPStatus

import pytest

from archiver.domain import mark as keys
from tests.e2e.deploy.installation import resources_in
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.deploy.marked import created, delete, exists, mark, path_in
from tests.e2e.deploy.refusals import held
from tests.manifests import NAMESPACE
from tests.policy_cases import ABSENT, CASES, PhaseCase

pytestmark = pytest.mark.usefixtures("guard")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_holds_what_is_terminal_and_nothing_else(
    admin: KubeApi, archiver: KubeApi, namespace: str, case: PhaseCase
) -> None:
    answer = admin.send("POST", resources_in(namespace), case.resource(f"case-{case.name}"))
    assert answer.status == HTTPStatus.CREATED, answer.message
    resource = answer.body
    # What the API server keeps is what the case says: it has not repaired it.
    assert resource.get("status", ABSENT) == case.status
    assert held(delete(admin, resource)) == case.terminal
    if case.terminal:
        assert mark(archiver, resource).ok
        assert not held(delete(admin, resource))
    assert not exists(admin, resource)


def test_the_refusal_says_what_it_is_about_and_what_comes_next(
    admin: KubeApi, namespace: str
) -> None:
    resource = created(admin, namespace, {"phase": " Failed "})
    message = delete(admin, resource).message
    assert f"{namespace}/{resource['metadata']['name']} is failed and not archived yet" in message
    # Not "the next run": that is true only of what is due.
    assert "once it is due, or at once by a new Job of deploy/backfill" in message


@pytest.mark.parametrize(
    "says",
    [
        pytest.param({keys.UID: "another"}, id="another uid, as after a restore"),
        pytest.param({keys.PHASE: "failed"}, id="another phase, as after a second processing"),
        pytest.param({keys.PHASE: "Completed"}, id="a phase that is not in its normal form"),
        pytest.param({keys.PHASE: None}, id="no phase"),
        pytest.param({keys.UID: None}, id="no uid"),
        pytest.param({keys.UID: "", keys.PHASE: ""}, id="empty"),
    ],
)
def test_holds_what_carries_a_mark_that_does_not_name_it(
    admin: KubeApi, archiver: KubeApi, namespace: str, says: dict[str, str | None]
) -> None:
    resource = created(admin, namespace)
    assert mark(archiver, resource).ok
    assert archiver.merge(path_in(resource), {"metadata": {"annotations": says}}).ok
    assert held(delete(admin, resource))


def test_holds_what_was_processed_again_after_its_mark(
    admin: KubeApi, archiver: KubeApi, namespace: str
) -> None:
    resource = created(admin, namespace)
    mark(archiver, resource)
    assert admin.merge(path_in(resource), {"status": {"phase": "Failed"}}).ok
    assert held(delete(admin, resource))


def test_a_restored_mark_is_void(admin: KubeApi, archiver: KubeApi, namespace: str) -> None:
    original = created(admin, namespace)
    mark(archiver, original)
    backup = admin.send("GET", path_in(original)).body["metadata"]
    assert not held(delete(admin, original))
    again = created(
        admin,
        namespace,
        name=backup["name"],
        uid=backup["uid"],
        labels=backup["labels"],
        annotations=backup["annotations"],
    )
    assert again["metadata"]["labels"] == backup["labels"]
    assert held(delete(admin, again))


def test_asks_for_uid_and_phase_only_whatever_the_label_says(
    admin: KubeApi, archiver: KubeApi, namespace: str
) -> None:
    resource = created(admin, namespace)
    mark(archiver, resource)
    assert admin.merge(path_in(resource), {"metadata": {"labels": {keys.STATE_LABEL: None}}}).ok
    assert not held(delete(admin, resource))


def test_holds_it_in_every_version(admin: KubeApi, namespace: str) -> None:
    resource = created(admin, namespace)
    assert held(admin.send("DELETE", path_in(resource, "v2")))


def test_holds_a_collection_at_the_first_that_is_not_archived(
    admin: KubeApi, archiver: KubeApi, own_namespace: str
) -> None:
    resource = created(admin, own_namespace)
    assert held(admin.send("DELETE", resources_in(own_namespace)))
    mark(archiver, resource)
    assert not held(admin.send("DELETE", resources_in(own_namespace)))
    assert not exists(admin, resource)


def test_a_second_deletion_does_not_let_go_what_the_first_one_holds(
    admin: KubeApi, archiver: KubeApi, namespace: str
) -> None:
    # Deleted in the foreground while it was processed; a dependent that blocks keeps it waiting.
    resource = created(admin, namespace, {"phase": "Routing"})
    owner = {
        **{key: resource[key] for key in ("apiVersion", "kind")},
        **{key: resource["metadata"][key] for key in ("name", "uid")},
        "blockOwnerDeletion": True,
    }
    dependent = created(
        admin,
        namespace,
        {"phase": "Routing"},
        ownerReferences=[owner],
        finalizers=["example.com/held"],
    )
    assert delete(admin, resource, propagationPolicy="Foreground").ok
    assert admin.merge(path_in(resource), {"status": {"phase": "Completed"}}).ok
    # In the background there is nothing to wait for: this would take its last finalizer.
    assert held(delete(admin, resource, propagationPolicy="Background"))
    assert mark(archiver, admin.send("GET", path_in(resource)).body).ok
    assert not held(delete(admin, resource, propagationPolicy="Background"))
    assert not exists(admin, resource)
    admin.merge(path_in(dependent), {"metadata": {"finalizers": None}})


def test_the_archivers_own_namespace_is_never_guarded(admin: KubeApi) -> None:
    resource = created(admin, NAMESPACE)
    assert not held(delete(admin, resource))
