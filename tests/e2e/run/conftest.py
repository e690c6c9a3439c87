"""A cluster with the CRD and the archiver's rights, a database, and the command line on both."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests import crds
from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import applied, defined
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.command import Archiver
from tests.e2e.run.objects import Collection
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually
from tests.integration.conftest import database, postgres_server, template_database
from tests.manifests import BASE, NAMESPACE, SERVICE_ACCOUNT, load
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

__all__ = ["database", "postgres_server", "template_database"]

# What an account needs to exist and to have its rights; no Jobs, which would find no node.
_ACCOUNT = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"}


@pytest.fixture
def writer_url(postgres_server: PostgresServer, database: Database) -> str:
    """As the job has it: to insert, and nothing else."""
    return postgres_server.url(database.name, "writer", "writer")


@pytest.fixture
def reader_url(postgres_server: PostgresServer, database: Database) -> str:
    """As a reader has it."""
    return postgres_server.url(database.name, "reader", "reader")


@pytest.fixture
def rows(database: Database) -> Rows:
    """What is in the archive."""
    return Rows(database.owner_url)


@pytest.fixture(scope="package")
def admin(control_plane: Cluster) -> Iterator[KubeApi]:
    """The cluster as its administrator meets it."""
    api = KubeApi(control_plane.kubeconfig)
    yield api
    api.close()


@pytest.fixture(scope="package")
def parents(admin: KubeApi) -> Iterator[None]:
    """RemediationRequests are served."""
    with defined(admin, crds.load("remediationrequest")):
        yield


@pytest.fixture(scope="package")
def crd(admin: KubeApi, parents: None) -> Iterator[None]:
    """RemediationProcessings of shape A are served."""
    with defined(admin, crds.load(crds.BY_SHAPE["A"])):
        yield


@pytest.fixture(scope="package")
def account(admin: KubeApi, control_plane: Cluster) -> Iterator[Path]:
    """A kubeconfig of the archiver's ServiceAccount, with the rights of deploy/ and no others."""
    with applied(admin, [o for o in load(BASE) if o["kind"] in _ACCOUNT]):
        kubeconfig = control_plane.kubeconfig_for_service_account(NAMESPACE, SERVICE_ACCOUNT)
        api = KubeApi(kubeconfig)
        eventually(lambda: api.send("GET", "/api/v1/namespaces/kube-system").ok)
        api.close()
        yield kubeconfig


@pytest.fixture
def namespace(admin: KubeApi) -> Iterator[str]:
    """A namespace of this test alone; it goes in its own time."""
    name = f"run-{uuid4()}"
    assert admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).ok
    yield name
    admin.send("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def processings(admin: KubeApi, crd: None, namespace: str) -> Iterator[Collection]:
    """The RemediationProcessings of this test."""
    collection = Collection(admin, namespace)
    yield collection
    collection.empty()


@pytest.fixture
def archiver(account: Path, writer_url: str, namespace: str) -> Iterator[Archiver]:
    """The command line as the job has it: its own account, its own database user."""
    archiver = Archiver(account, writer_url, namespace)
    yield archiver
    archiver.end()
