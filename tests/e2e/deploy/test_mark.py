"""Nobody but the archiver writes a mark; everybody may remove one."""

from collections.abc import Iterator

import pytest

from archiver.domain import mark as keys
from tests.e2e.deploy.kube_api import DRY_RUN, JSON_PATCH, KubeApi, Object
from tests.e2e.deploy.marked import ANNOTATIONS, FOREIGN, created, mark, path_in
from tests.e2e.deploy.refusals import LIMIT, MARK, refused_by
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.usefixtures("guard")


@pytest.mark.parametrize("key", ANNOTATIONS)
def test_nobody_else_adds_or_changes_an_annotation_of_the_mark(
    admin: KubeApi, archiver: KubeApi, resource: Object, key: str
) -> None:
    write = {"metadata": {"annotations": {key: "forged"}}}
    assert refused_by(admin.merge(path_in(resource), write), MARK)
    assert mark(archiver, resource).ok
    assert refused_by(admin.merge(path_in(resource), write), MARK)
    empty = {"metadata": {"annotations": {key: ""}}}
    assert refused_by(admin.merge(path_in(resource), empty), MARK)


def test_nobody_else_adds_or_changes_the_label(
    admin: KubeApi, archiver: KubeApi, resource: Object
) -> None:
    write = {"metadata": {"labels": {keys.STATE_LABEL: keys.ARCHIVED}}}
    assert refused_by(admin.merge(path_in(resource), write), MARK)
    assert mark(archiver, resource).ok
    write = {"metadata": {"labels": {keys.STATE_LABEL: "pending"}}}
    assert refused_by(admin.merge(path_in(resource), write), MARK)


def test_the_ways_to_write_make_no_difference(admin: KubeApi, resource: Object) -> None:
    forged = [{"op": "add", "path": "/metadata/labels/archiver.kubernaut.io~1state", "value": "x"}]
    path = path_in(resource)
    answer = admin.send("PATCH", path, forged, content_type=JSON_PATCH)
    assert refused_by(answer, MARK)
    applied_one = {
        **{key: resource[key] for key in ("apiVersion", "kind")},
        "metadata": {
            **{key: resource["metadata"][key] for key in ("name", "namespace")},
            "annotations": {keys.UID: resource["metadata"]["uid"]},
        },
    }
    assert refused_by(admin.apply(applied_one), MARK)
    replaced = {**resource, "metadata": {**resource["metadata"], "labels": {keys.STATE_LABEL: "x"}}}
    assert refused_by(admin.send("PUT", path, replaced), MARK)


def test_another_version_or_a_subresource_is_no_way_round(
    admin: KubeApi, archiver: KubeApi, resource: Object
) -> None:
    path = path_in(resource, "v2")
    write = {"metadata": {"annotations": {keys.UID: resource["metadata"]["uid"]}}}
    assert refused_by(admin.merge(path, write), MARK)
    assert refused_by(archiver.merge(path, {"spec": {"more": 1}}), LIMIT)
    # The API server drops what of metadata comes with a status.
    changed = admin.merge(f"{path}/status", {**write, "status": {"phase": "Failed"}})
    assert changed.ok
    assert changed.body["status"] == {"phase": "Failed"}
    assert changed.body["metadata"]["annotations"] == resource["metadata"]["annotations"]


def test_others_may_remove_a_mark_whole_or_in_part(
    admin: KubeApi, archiver: KubeApi, resource: Object
) -> None:
    assert mark(archiver, resource).ok
    path = path_in(resource)
    assert admin.merge(path, {"metadata": {"annotations": {keys.DIGEST: None}}}).ok
    assert admin.merge(path, {"metadata": {"labels": None, "annotations": None}}).ok


def test_others_go_on_working_on_a_marked_resource(
    admin: KubeApi, archiver: KubeApi, resource: Object
) -> None:
    assert mark(archiver, resource).ok
    change = {
        "metadata": {"labels": {"team": "search"}, "annotations": {"note": None}},
        "spec": {"signal": {"fingerprint": "f" * 64}, "more": 1},
        "status": {"phase": "Failed"},
    }
    assert admin.merge(path_in(resource), change).ok


def test_creating_with_a_mark_is_allowed_and_keeping_it(admin: KubeApi, namespace: str) -> None:
    restored = created(
        admin,
        namespace,
        labels={keys.STATE_LABEL: keys.ARCHIVED},
        annotations=dict.fromkeys(ANNOTATIONS, "of another uid"),
    )
    path = path_in(restored)
    assert admin.merge(path, {"status": {"phase": "Failed"}}).ok
    adopted = {"metadata": {"annotations": {keys.UID: restored["metadata"]["uid"]}}}
    assert refused_by(admin.merge(path, adopted), MARK)


def test_break_glass_lets_others_write_marks(admin: KubeApi, own_namespace: str) -> None:
    resource = created(admin, own_namespace)
    label = {"metadata": {"labels": {"archiver.kubernaut.io/break-glass": "true"}}}
    assert admin.merge(f"/api/v1/namespaces/{own_namespace}", label).ok
    write = {"metadata": {"annotations": {keys.UID: resource["metadata"]["uid"]}}}
    eventually(lambda: admin.merge(path_in(resource), write, **DRY_RUN).ok)


@pytest.mark.parametrize(
    "numbers",
    [(60_000, 0, 0), (0, 40_000, 0), (0, 0, 5_000), (2_000, 2_000, 100)],
    ids=["labels", "annotations", "finalizers", "all"],
)
def test_no_number_of_anything_keeps_anybody_from_writing(
    crowd: Object, admin: KubeApi, archiver: KubeApi
) -> None:
    changed = admin.merge(path_in(crowd), {"spec": {"more": 1}})
    assert changed.ok, changed.message
    marked = mark(archiver, changed.body)
    assert marked.ok, marked.message
    assert marked.body["metadata"]["finalizers"] == crowd["metadata"]["finalizers"][:-1]
    assert admin.send("DELETE", path_in(crowd), query=DRY_RUN).ok


@pytest.fixture
def crowd(admin: KubeApi, namespace: str, numbers: tuple[int, int, int]) -> Iterator[Object]:
    """Near what the API server takes: annotations of 256 KiB in all, labels of any number."""
    labels, annotations, finalizers = numbers
    foreign = [FOREIGN, *(f"a/{number}" for number in range(finalizers))]
    resource = created(
        admin,
        namespace,
        labels={str(number): "" for number in range(labels)},
        annotations={str(number): "" for number in range(annotations)},
        finalizers=[*foreign, keys.FINALIZER],
    )
    yield resource
    admin.merge(path_in(resource), {"metadata": {"finalizers": None}})
