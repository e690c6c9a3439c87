"""What the archiver takes for granted of an API server, asked of the demo's and of a real one."""

import dataclasses
import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from archiver.domain.custom_resource import CustomResource
from archiver.domain.gotime import parse_time
from archiver.domain.mark import FINALIZER, Mark
from archiver.errors import Configuration, Forbidden
from archiver.kube import Client, KubeMarker, KubeSource, connect, discover, missing_rights
from archiver.ports import MarkOutcome, Page
from tests.contract.clusters import GROUP, ClusterUnderTest, Fake, Object, Real
from tests.e2e.conftest import EXISTING, control_plane

__all__ = ["control_plane"]

# Nobody compacts the etcd of a cluster that belongs to somebody else.
EXPIRING = ["fake"] if EXISTING in os.environ else ["fake", "real"]


def ticket(namespace: str, name: str = "t", **metadata: Any) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Ticket",
        "metadata": {"namespace": namespace, "name": name, **metadata},
        "spec": {"text": "ü <&> \u2028", "number": 9007199254740993},
        "status": {"phase": "completed"},
    }


def parent(namespace: str, name: str, **status: Any) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Parent",
        "metadata": {"namespace": namespace, "name": name},
        "status": status,
    }


def owned_by(owner: Object) -> Object:
    metadata = owner["metadata"]
    shown = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    return shown | {"name": metadata["name"], "uid": metadata["uid"]}


def with_finalizers(known: Object, *finalizers: str) -> Object:
    return {**known, "metadata": {**known["metadata"], "finalizers": list(finalizers)}}


def source_of(client: Client, namespace: str | None, **settings: Any) -> KubeSource:
    return KubeSource(client, group=GROUP, plural="tickets", namespace=namespace, **settings)


def everything(source: KubeSource) -> list[CustomResource]:
    return [resource for page in source.pages() for resource in page.resources]


def mark_of(resource: CustomResource) -> Mark:
    at = datetime(2024, 1, 31, tzinfo=UTC)
    return Mark("0123456789abcdef" * 4, resource.key.uid, "completed", "store", "run", at)


@pytest.fixture(scope="module", name="_real")
def real(request: pytest.FixtureRequest) -> Iterator[Real]:
    with closing(Real(request.getfixturevalue("control_plane"))) as cluster:
        yield cluster


@pytest.fixture(params=["fake", "real"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClusterUnderTest]:
    if request.param == "real":
        yield request.getfixturevalue("_real")
        return
    with closing(Fake(tmp_path)) as fake:
        yield fake


@pytest.fixture
def client(cluster: ClusterUnderTest) -> Iterator[Client]:
    with closing(connect(kubeconfig=str(cluster.kubeconfig))) as connected:
        yield connected


@pytest.fixture
def namespace(cluster: ClusterUnderTest) -> str:
    name = f"test-{uuid4()}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def found(cluster: ClusterUnderTest, client: Client, namespace: str) -> CustomResource:
    """One ticket, as it was listed."""
    cluster.create(ticket(namespace))
    [resource] = everything(source_of(client, namespace))
    return resource


@pytest.fixture
def marker(client: Client) -> KubeMarker:
    return KubeMarker(client, discover(client, group=GROUP, plural="tickets"))


@pytest.fixture
def powerless(cluster: ClusterUnderTest) -> Iterator[Client]:
    with closing(connect(kubeconfig=str(cluster.powerless()))) as client:
        yield client


def test_the_preferred_version_is_found(client: Client) -> None:
    resource = discover(client, group=GROUP, plural="tickets")
    assert (resource.version, resource.kind, resource.namespaced) == ("v1", "Ticket", True)


def test_another_version_can_be_asked_for(client: Client, namespace: str) -> None:
    source = source_of(client, namespace, version="v1beta1")
    assert source.resource.api_version == f"{GROUP}/v1beta1"


@pytest.mark.parametrize(
    "wanted",
    [
        {"group": "nothing.example.com", "plural": "tickets"},
        {"group": GROUP, "plural": "nothings"},
        {"group": GROUP, "plural": "tickets", "version": "v9"},
    ],
)
def test_what_is_not_served_is_no_empty_list(client: Client, wanted: dict[str, Any]) -> None:
    with pytest.raises(Configuration, match="does not serve"):
        list(KubeSource(client, **wanted).pages())


def test_the_cluster_is_known_by_kube_system(cluster: ClusterUnderTest, client: Client) -> None:
    assert source_of(client, None).cluster_id == cluster.uid_of_kube_system()


def test_the_servers_clock_is_read(client: Client) -> None:
    source = source_of(client, None)
    assert abs(source.now - time.time_ns()) < 30e9
    assert client.clock is not None
    assert abs(client.clock.skew) < 30e9


def test_every_object_comes_once_in_order(
    cluster: ClusterUnderTest, client: Client, namespace: str
) -> None:
    names = ["x", "x-1", "x.1", "x0", "y"]
    for name in reversed(names):
        cluster.create(ticket(namespace, name))
    pages = list(source_of(client, namespace, page_size=2).pages())
    assert [len(page.resources) for page in pages] == [2, 2, 1]
    assert [found.metadata.name for page in pages for found in page.resources] == names


def test_namespaces_are_sorted_as_part_of_the_path(
    cluster: ClusterUnderTest, client: Client, namespace: str
) -> None:
    names = [f"{namespace}-a", f"{namespace}", f"{namespace}0"]
    for name in reversed(names):
        if name != namespace:
            cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        cluster.create(ticket(name, labels={"of": namespace}))
    resources = everything(source_of(client, None, label_selector=f"of={namespace}", page_size=1))
    assert [resource.metadata.namespace for resource in resources] == names


def test_an_object_is_what_was_created(
    cluster: ClusterUnderTest, client: Client, namespace: str
) -> None:
    created = cluster.create(ticket(namespace, labels={"a": "b"}))
    [resource] = everything(source_of(client, namespace))
    assert json.loads(resource.raw) == created
    assert (resource.api_version, resource.kind) == (f"{GROUP}/v1", "Ticket")
    assert b"9007199254740993" in resource.raw


def test_labels_select(cluster: ClusterUnderTest, client: Client, namespace: str) -> None:
    cluster.create(ticket(namespace, "a", labels={"app": "x"}))
    cluster.create(ticket(namespace, "b", labels={"app": "y"}))
    cluster.create(ticket(namespace, "c"))

    def names(selector: str) -> list[str]:
        resources = everything(source_of(client, namespace, label_selector=selector))
        return [resource.metadata.name for resource in resources]

    assert names("app=x") == ["a"]
    assert names("app!=x") == ["b", "c"]
    assert names("app") == ["a", "b"]


def test_an_empty_namespace_gives_nothing(client: Client, namespace: str) -> None:
    assert everything(source_of(client, namespace)) == []


@pytest.mark.parametrize("cluster", EXPIRING, indirect=True)
def test_an_expired_list_goes_on(cluster: ClusterUnderTest, client: Client, namespace: str) -> None:
    for number in range(6):
        cluster.create(ticket(namespace, f"t{number}"))
    pages = source_of(client, namespace, page_size=2).pages()
    names = [resource.metadata.name for resource in next(pages).resources]
    cluster.create(ticket(namespace, "t9"))
    cluster.expire_lists()
    names += [resource.metadata.name for page in pages for resource in page.resources]
    assert names == ["t0", "t1", "t2", "t3", "t4", "t5", "t9"]


def test_reading_again(
    cluster: ClusterUnderTest, client: Client, namespace: str, found: CustomResource
) -> None:
    source = source_of(client, namespace)
    same = source.read(found)
    assert isinstance(same, CustomResource)
    assert same.raw == found.raw
    stored = json.loads(found.raw)
    cluster.update({**stored, "status": {"phase": "failed"}})
    changed = source.read(found)
    assert isinstance(changed, CustomResource)
    assert changed.tree["status"] == {"phase": "failed"}
    cluster.delete(stored)
    assert source.read(found) is None
    cluster.create(ticket(namespace))
    assert source.read(found) is None


def test_a_mark_is_written_and_nothing_else(
    cluster: ClusterUnderTest, found: CustomResource, marker: KubeMarker
) -> None:
    before = json.loads(found.raw)
    assert marker.mark(found, mark_of(found)).result() is MarkOutcome.MARKED
    after = cluster.get(before)
    assert after["metadata"]["labels"] == {"archiver.kubernaut.io/state": "archived"}
    assert after["metadata"]["annotations"]["archiver.kubernaut.io/uid"] == found.key.uid
    for metadata in (before["metadata"], after["metadata"]):
        for volatile in ("labels", "annotations", "managedFields", "resourceVersion"):
            metadata.pop(volatile, None)
    assert after == before


def test_a_mark_in_dry_run_writes_nothing(
    cluster: ClusterUnderTest, client: Client, found: CustomResource
) -> None:
    resource = discover(client, group=GROUP, plural="tickets")
    marker = KubeMarker(client, resource, dry_run=True)
    assert marker.mark(found, mark_of(found)).result() is MarkOutcome.MARKED
    assert cluster.get(json.loads(found.raw)) == json.loads(found.raw)


def test_the_mark_releases_the_finalizer(
    cluster: ClusterUnderTest, client: Client, namespace: str, marker: KubeMarker
) -> None:
    created = cluster.create(ticket(namespace, finalizers=[FINALIZER, "other.example.com/hold"]))
    cluster.delete(created)
    source = source_of(client, namespace)
    [held] = everything(source)
    assert held.metadata.deletion_timestamp is not None
    assert marker.mark(held, mark_of(held)).result() is MarkOutcome.MARKED
    [released] = everything(source)
    assert released.metadata.finalizers == ["other.example.com/hold"]
    cluster.update(with_finalizers(json.loads(released.raw)))
    assert everything(source) == []


def test_a_changed_object_is_a_conflict(
    cluster: ClusterUnderTest, found: CustomResource, marker: KubeMarker
) -> None:
    cluster.update({**json.loads(found.raw), "spec": {}})
    assert marker.mark(found, mark_of(found)).result() is MarkOutcome.CONFLICT


def test_a_deleted_object_is_gone(
    cluster: ClusterUnderTest, found: CustomResource, marker: KubeMarker
) -> None:
    cluster.delete(json.loads(found.raw))
    assert marker.mark(found, mark_of(found)).result() is MarkOutcome.GONE


def test_another_object_of_that_name_is_a_conflict(
    cluster: ClusterUnderTest, namespace: str, found: CustomResource, marker: KubeMarker
) -> None:
    cluster.delete(json.loads(found.raw))
    new = cluster.create(ticket(namespace))
    assert marker.mark(found, mark_of(found)).result() is MarkOutcome.CONFLICT
    # Even if the resourceVersion happens to be the new one's.
    version = new["metadata"]["resourceVersion"]
    metadata = msgspec.structs.replace(found.metadata, resource_version=version)
    lucky = msgspec.structs.replace(found, metadata=metadata)
    assert marker.mark(lucky, mark_of(lucky)).result() is MarkOutcome.CONFLICT
    assert "annotations" not in cluster.get(new)["metadata"]


def test_a_mark_on_what_is_not_served_says_so(client: Client, found: CustomResource) -> None:
    served = discover(client, group=GROUP, plural="tickets")
    marker = KubeMarker(client, dataclasses.replace(served, plural="nothings"))
    with pytest.raises(Configuration, match="404 page not found"):
        marker.mark(found, mark_of(found)).result()


def test_owners_are_known_and_missed(
    cluster: ClusterUnderTest, client: Client, namespace: str
) -> None:
    expiring = cluster.create(parent(namespace, "a", retentionExpiryTime="2024-02-01T00:00:00Z"))
    doomed = cluster.create(parent(namespace, "b"))
    other = {**owned_by(doomed), "kind": "Nothing"}
    cluster.create(ticket(namespace, "a", ownerReferences=[owned_by(expiring)]))
    cluster.create(ticket(namespace, "b", ownerReferences=[{**other, "controller": False}]))
    before = time.time_ns()
    source = source_of(client, namespace)
    surroundings = source.surroundings(next(source.pages()))
    assert surroundings.owners == {
        expiring["metadata"]["uid"]: parse_time("2024-02-01T00:00:00Z"),
        doomed["metadata"]["uid"]: None,
    }
    [(kind, listed_at)] = surroundings.owner_kinds.items()
    assert kind == (f"{GROUP}/v1", "Parent")
    assert -30e9 < listed_at - before < 30e9
    assert source.unknown == {f"{GROUP}/v1/Nothing": "not served"}


def test_terminating_namespaces_are_seen(
    cluster: ClusterUnderTest, client: Client, namespace: str
) -> None:
    # The real namespace stays because of what is in it, the demo's because of its own finalizer.
    held = cluster.create(ticket(namespace, finalizers=["example.com/hold"]))
    known = cluster.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    cluster.update(with_finalizers(known, "example.com/hold"))
    cluster.delete(known)
    for seen_from in (namespace, None):
        surroundings = source_of(client, seen_from).surroundings(Page([]))
        assert namespace in surroundings.terminating_namespaces
    cluster.update(with_finalizers(cluster.get(held)))


def test_an_administrator_lacks_no_right(client: Client) -> None:
    assert missing_rights(client, group=GROUP, plural="tickets") == []


def test_missing_rights_are_named(powerless: Client, namespace: str) -> None:
    missing = missing_rights(powerless, group=GROUP, plural="tickets")
    assert [sentence.partition(",")[0] for sentence in missing] == [
        f"may not list tickets.{GROUP} in all namespaces",
        f"may not patch tickets.{GROUP} in all namespaces",
        "may not get namespaces kube-system",
    ]


def test_without_rights_it_is_forbidden(
    cluster: ClusterUnderTest, namespace: str, found: CustomResource
) -> None:
    powerless = connect(kubeconfig=str(cluster.powerless()))
    source = source_of(powerless, namespace)
    marker = KubeMarker(powerless, source.resource)
    for forbidden in (
        lambda: list(source.pages()),
        lambda: source.cluster_id,
        lambda: source.read(found),
        lambda: marker.mark(found, mark_of(found)).result(),
    ):
        with pytest.raises(Forbidden, match=r"User .* cannot"):
            forbidden()
    powerless.close()


def test_surroundings_that_may_not_be_read_are_unknown(
    cluster: ClusterUnderTest, client: Client, namespace: str
) -> None:
    owner = cluster.create(parent(namespace, "p"))
    cluster.create(ticket(namespace, ownerReferences=[owned_by(owner)]))
    page = next(source_of(client, namespace).pages())
    with closing(connect(kubeconfig=str(cluster.powerless()))) as powerless:
        source = source_of(powerless, namespace)
        surroundings = source.surroundings(page)
    assert (surroundings.owners, surroundings.owner_kinds) == ({}, {})
    assert surroundings.terminating_namespaces == frozenset()
    assert source.unknown.keys() == {"namespaces", f"{GROUP}/v1/Parent"}
