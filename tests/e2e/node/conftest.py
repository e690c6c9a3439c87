"""The archiver, installed as README.md says, with the guard in force."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import CRD
from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi
from tests.e2e.deploy.ours import refuse_others
from tests.e2e.node import target as variables
from tests.e2e.node.documented import carried_out, commands, write_files
from tests.e2e.node.history import watched
from tests.e2e.node.installed import Installed
from tests.e2e.node.overlay import write_overlays
from tests.e2e.node.target import Target
from tests.e2e.run.conftest import admin, crd, namespace, parents, processings
from tests.e2e.waiting import eventually
from tests.manifests import BASE, FLOW_CONTROL, GUARD, NAMESPACE, everything
from tests.node.kubectl import Kubectl, build_kubectl
from tests.node.postgresql import SERVICE_NAMESPACE, Archive, archive

__all__ = ["admin", "crd", "namespace", "parents", "processings"]

# A schedule that does not come while a test runs.
YEARLY = "0 0 1 1 *"
# Marker → the variable without which its tests are left out.
MARKERS = {
    "needs_restart": variables.RESTART,
    "needs_kubelet_restart": variables.RESTART_KUBELET,
    "long": "ARCHIVER_TEST_LONG",
}


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for marker, variable in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: runs where {variable} is set")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the cluster's owner did not allow, and what nobody has the time for."""
    left_out = [item for item in items if any(map(item.get_closest_marker, _not_allowed()))]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_report_collectionfinish() -> list[str]:
    """Say which tests are deselected, and why."""
    without = _not_allowed().items()
    return [f"tests marked {marker} run where {variable} is set" for marker, variable in without]


def _not_allowed() -> dict[str, str]:
    """The markers whose variable is empty."""
    return {marker: name for marker, name in MARKERS.items() if not os.environ.get(name)}


@pytest.fixture(scope="session")
def target() -> Target:
    """Where to. A missing cluster is a failure."""
    found = Target.named()
    if found is None:
        pytest.fail(variables.HOW, pytrace=False)
    return found


@pytest.fixture(scope="package")
def kubectl(
    target: Target, control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Kubectl:
    """kubectl, as the cluster's administrator."""
    cache = tmp_path_factory.mktemp("kubectl")
    return Kubectl(build_kubectl(control_plane.version), target.kubeconfig, cache)


@pytest.fixture(scope="package")
def archived(target: Target, kubectl: Kubectl, admin: KubeApi) -> Iterator[Archive]:
    """PostgreSQL, where pods reach it under the name that deploy/config.yaml gives it."""
    refuse_others(admin, [SERVICE_NAMESPACE])
    with archive(kubectl, target.address) as started:
        try:
            yield started
        finally:
            kubectl("delete", "namespace", SERVICE_NAMESPACE["metadata"]["name"])


@pytest.fixture(scope="package", autouse=True)
def served(crd: None) -> None:
    """RemediationProcessings are there, as long as anything here."""


@pytest.fixture(scope="package")
def unoccupied(kubectl: Kubectl, admin: KubeApi) -> Kubectl:
    """kubectl, for a cluster on which nobody installed the archiver."""
    refuse_others(admin, everything())
    return kubectl


@pytest.fixture(scope="package")
def migrated(
    target: Target,
    archived: Archive,
    unoccupied: Kubectl,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installed]:
    """README.md, "Install", steps 2 to 5, with overlays for the image's name."""
    folder, kubectl = tmp_path_factory.mktemp("overlays"), unoccupied
    with watched(target.kubeconfig, NAMESPACE) as pods:
        installed = Installed(kubectl, archived, pods, write_overlays(folder, target.image))
        try:
            _install(installed)
            yield installed
        finally:
            for base in (FLOW_CONTROL, BASE):
                kubectl("delete", "-k", installed.overlays[base], "--ignore-not-found")


@pytest.fixture(scope="package")
def installed(migrated: Installed, admin: KubeApi) -> Iterator[Installed]:
    """The same with step 6: the guard, in force."""
    try:
        _guard(migrated, admin)
        yield migrated
    finally:
        migrated.kubectl("delete", "-k", migrated.overlays[GUARD], "--ignore-not-found")
        eventually(lambda: admin.send("DELETE", CRD, query=DRY_RUN).ok)


@pytest.fixture
def unscheduled(installed: Installed) -> Iterator[Installed]:
    """An installation whose schedule the test may let go; the others find it as it was."""
    patch = json.dumps({"spec": {"schedule": YEARLY, "suspend": False}})
    installed.ask("patch", "cronjob", "archiver", "--patch", patch)
    yield installed
    installed.kubectl("apply", "-k", installed.overlays[BASE])


@pytest.fixture
def uninstallable(installed: Installed, admin: KubeApi) -> Iterator[Installed]:
    """An installation that the test may remove; the others find it again."""
    yield installed
    # What is left of it where the test failed.
    installed.kubectl("delete", "-k", installed.overlays[BASE], "--ignore-not-found")
    _install(installed)
    _guard(installed, admin)


@pytest.fixture(autouse=True)
def no_job_stays(kubectl: Kubectl) -> Iterator[None]:
    """What a test has started is gone before the next one, however the test ended.

    A Job that was left at work would archive the next one's objects.
    """
    before = _jobs(kubectl)
    yield
    if begun := _jobs(kubectl) - before:
        kubectl("-n", NAMESPACE, "delete", "--cascade=foreground", *sorted(begun))


@pytest.fixture
def url(installed: Installed) -> str:
    """The archive's database, as its superuser."""
    return installed.archive.url


def _jobs(kubectl: Kubectl) -> set[str]:
    return set(kubectl("-n", NAMESPACE, "get", "jobs", "-o", "name").split())


def _install(installed: Installed) -> None:
    """README.md, "Install": all of its commands, and so a dry run and a backfill too."""
    with TemporaryDirectory() as folder:
        write_files(installed.archive, Path(folder))
        steps = commands("README.md", "Install")
        assert [*carried_out(installed, steps, Path(folder))] == steps
    assert installed.ended("archiver-backfill") == "Complete"
    installed.delete("archiver-dry-run", "archiver-backfill")


def _guard(installed: Installed, admin: KubeApi) -> None:
    installed.kubectl("apply", "-k", installed.overlays[GUARD])
    # A policy is in force a moment after it was applied.
    eventually(lambda: admin.send("DELETE", CRD, query=DRY_RUN).is_policys)
