"""A cluster with the archiver's objects in it; one with the guard besides."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from archiver.domain import mark as keys
from tests import crds
from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import applied, defined, guarded
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.deploy.marked import FOREIGN, created, path_in
from tests.e2e.waiting import eventually
from tests.manifests import BASE, NAMESPACE, SERVICE_ACCOUNT, load


@pytest.fixture(scope="package")
def admin(control_plane: Cluster) -> Iterator[KubeApi]:
    """The cluster as its administrator meets it, who is in system:masters."""
    api = KubeApi(control_plane.kubeconfig)
    yield api
    api.close()


@pytest.fixture(scope="package")
def installation(admin: KubeApi) -> Iterator[list[Object]]:
    """What `kubectl apply -k deploy/` puts there; its migration and runs find no node."""
    with applied(admin, load(BASE)) as manifests:
        yield manifests


@pytest.fixture(scope="package")
def archiver(control_plane: Cluster, installation: list[Object]) -> Iterator[KubeApi]:
    """The cluster as the archiver's ServiceAccount meets it, with the ClusterRole in force."""
    api = KubeApi(control_plane.kubeconfig_for_service_account(NAMESPACE, SERVICE_ACCOUNT))
    eventually(lambda: api.send("GET", "/api/v1/namespaces/kube-system").ok)
    yield api
    api.close()


@pytest.fixture(scope="package")
def namespace(admin: KubeApi) -> Iterator[str]:
    """A namespace of these tests."""
    name = f"deploy-{uuid4()}"
    with applied(admin, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}]):
        yield name


@pytest.fixture
def own_namespace(admin: KubeApi) -> Iterator[str]:
    """A namespace of this test alone; it goes in its own time."""
    name = f"deploy-{uuid4()}"
    assert admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).ok
    yield name
    admin.send("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="package")
def crd(admin: KubeApi) -> Iterator[None]:
    """RemediationProcessing, with a status that may be anything at all, and its parent."""
    definition = crds.unchecked("remediationprocessing-v1")
    (v1,) = definition["spec"]["versions"]
    v2 = {**v1, "name": "v2", "storage": False, "subresources": {"status": {}}}
    # Without the subresource, a status of any type can be created as it is.
    definition["spec"]["versions"] = [{**v1, "subresources": {}}, v2]
    # The garbage collector looks for new kinds every 30 seconds: the sooner they are there.
    with defined(admin, crds.load("remediationrequest")), defined(admin, definition):
        yield


@pytest.fixture(scope="package")
def guard(admin: KubeApi, archiver: KubeApi, crd: None, namespace: str) -> Iterator[None]:
    """The guard, in force."""
    with guarded(admin, archiver, namespace):
        yield


@pytest.fixture
def resource(admin: KubeApi, namespace: str) -> Iterator[Object]:
    """A completed resource with a label, an annotation and finalizers of others and of ours."""
    resource = created(
        admin,
        namespace,
        labels={"team": "payments"},
        annotations={"note": "as it was"},
        finalizers=[FOREIGN, keys.FINALIZER],
    )
    yield resource
    admin.merge(path_in(resource), {"metadata": {"finalizers": None}})
