"""A real cluster for the end-to-end tests: a control plane of our own, or one that exists."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.cluster import Cluster, ExistingCluster

EXISTING = "ARCHIVER_TEST_KUBECONFIG"
NEEDS_PROCESSES = "needs_control_plane_processes"
STARTS_FIRST = "starts_first"
SAME_ON_ALL = "same_on_all_releases"
_LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known: they are this folder's."""
    config.addinivalue_line(
        "markers",
        f"{STARTS_FIRST}: takes minutes, so that all others fit beside it in another process",
    )
    config.addinivalue_line(
        "markers",
        f"{SAME_ON_ALL}(why): what it shows no release of Kubernetes can change; `make test` runs "
        "it on the newest one only",
    )
    config.addinivalue_line(
        "markers",
        f"{NEEDS_PROCESSES}(why): needs a control plane of our own, a process per server and an "
        f"audit log; deselected where {EXISTING} names a cluster of somebody else",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones first. Leave out what an existing cluster cannot give, and only there."""
    items.sort(key=lambda item: item.get_closest_marker(STARTS_FIRST) is None)
    if EXISTING not in os.environ:
        return
    why = {
        item: str(m.args[0]) for item in items if (m := item.get_closest_marker(NEEDS_PROCESSES))
    }
    items[:] = [item for item in items if item not in why]
    config.hook.pytest_deselected(items=list(why))
    # Once, whatever its parameters are.
    named = {item.nodeid.split("[")[0]: reason for item, reason in why.items()}
    config.stash[_LEFT_OUT] = [f"  {name}: {reason}" for name, reason in named.items()]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name what is deselected, and why. The header is too early: this file may not be read yet."""
    left_out = config.stash.get(_LEFT_OUT, [])
    return [f"deselected on the cluster of {EXISTING}:", *left_out] if left_out else []


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
