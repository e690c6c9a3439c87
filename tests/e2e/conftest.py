"""A real cluster for the end-to-end tests: a control plane of our own, or one that exists."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.cluster import Cluster, ExistingCluster

EXISTING = "ARCHIVER_TEST_KUBECONFIG"
NEEDS_PROCESSES = "needs_control_plane_processes"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known: it is this folder's."""
    config.addinivalue_line(
        "markers",
        f"{NEEDS_PROCESSES}: stops, pauses or restarts servers, reads their audit log, or issues "
        f"client certificates; deselected where {EXISTING} names a cluster of somebody else",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what an existing cluster cannot give, and only there."""
    if EXISTING not in os.environ:
        return
    left_out = [item for item in items if item.get_closest_marker(NEEDS_PROCESSES)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_report_collectionfinish() -> str:
    """Say why tests are deselected. The header is too early: this file may not be read yet."""
    if EXISTING not in os.environ:
        return ""
    return f"{EXISTING} is set: tests marked {NEEDS_PROCESSES} are deselected"


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """The cluster of all tests of this process, seen as its administrator.

    With a process per server where ARCHIVER_TEST_KUBECONFIG is not set: a test that is marked
    needs_control_plane_processes may take it for a ControlPlane.
    """
    if EXISTING in os.environ:
        cluster = ExistingCluster(Path(os.environ[EXISTING]))
        yield cluster
        cluster.close()
        return
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    # The first time, servers are built: who waits for minutes has to see why.
    with capture.global_and_fixture_disabled():
        started = ControlPlane.start(audit=True)
    with started:
        yield started
