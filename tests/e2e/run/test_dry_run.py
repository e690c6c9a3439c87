"""Dry runs write nothing; that of the server proves the rights."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import GROUP, applied
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.command import Archiver, Finished, succeeded
from tests.e2e.run.objects import Collection
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually


@pytest.fixture
def reading_account(admin: KubeApi, control_plane: Cluster, namespace: str) -> Iterator[Path]:
    """A kubeconfig of a ServiceAccount that may list the resources, and no more."""
    rbac = "rbac.authorization.k8s.io"
    kube_system = {"resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}
    ours = {"apiGroups": [GROUP], "resources": ["remediationprocessings"], "verbs": ["list"]}
    account = {"kind": "ServiceAccount", "name": "reading", "namespace": namespace}
    metadata = {"name": namespace}
    role = {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": [{"apiGroups": [""], **kube_system}, ours],
    }
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": namespace},
        "subjects": [account],
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    assert admin.send("POST", path, {"metadata": {"name": "reading"}}).ok
    with applied(admin, [role, binding]):
        kubeconfig = control_plane.kubeconfig_for_service_account(namespace, "reading")
        api = KubeApi(kubeconfig)
        eventually(lambda: api.send("GET", "/api/v1/namespaces/kube-system").ok)
        api.close()
        yield kubeconfig


class Untouched:
    """Two resources of which one is due; at the end, nothing at all may have changed."""

    def __init__(self, processings: Collection, rows: Rows) -> None:
        processings.create(1)
        processings.create(2, hours=1)
        self.before, self.processings, self.rows = processings.all(), processings, rows

    def check(self) -> None:
        """Fail if anything is different."""
        assert self.processings.all() == self.before
        assert self.rows.everything() == []


@pytest.fixture
def untouched(processings: Collection, rows: Rows) -> Iterator[None]:
    """Nothing changes in this test."""
    scene = Untouched(processings, rows)
    yield
    scene.check()


def outcomes(finished: Finished) -> list[str]:
    """What it says would become of each."""
    return sorted(line["outcome"] for line in finished.report["objects"])


@pytest.mark.usefixtures("untouched")
def test_of_the_client_reads_only(
    archiver: Archiver, reading_account: Path, reader_url: str
) -> None:
    reading = replace(archiver, kubeconfig=reading_account, database_url=reader_url)
    assert outcomes(succeeded(reading.run("--dry-run=client"))) == ["archived", "notDue"]


@pytest.mark.usefixtures("untouched")
def test_of_the_server_with_all_rights(archiver: Archiver) -> None:
    assert outcomes(succeeded(archiver.run("--dry-run=server"))) == ["archived", "notDue"]


@pytest.mark.same_on_all_releases("how a report is written")
@pytest.mark.parametrize("dry_run", ["none", "server"])
def test_yaml_says_what_json_says(
    archiver: Archiver, processings: Collection, rows: Rows, dry_run: str
) -> None:
    processings.create(1)
    report = yaml.safe_load(succeeded(archiver.run(f"--dry-run={dry_run}", "-o", "yaml")).out)
    assert report.keys() >= json.loads(archiver.run("-o", "json").out).keys()
    assert (report["gate"], report["counts"]["archived"]) == ("none", 1)
    assert rows.revisions() == 1


@pytest.mark.usefixtures("untouched")
def test_of_the_server_names_the_right_to_patch(archiver: Archiver, reading_account: Path) -> None:
    done = replace(archiver, kubeconfig=reading_account).run("--dry-run=server")
    assert done.code == 78, done.err
    assert "may not patch remediationprocessings" in done.report["error"]


@pytest.mark.usefixtures("untouched")
def test_of_the_server_names_the_right_to_insert(archiver: Archiver, reader_url: str) -> None:
    done = replace(archiver, database_url=reader_url).run("--dry-run=server")
    assert done.code == 78, done.err
    assert "INSERT on archive.revision" in done.report["error"]


@pytest.mark.usefixtures("untouched")
def test_a_real_run_without_the_right_to_insert_marks_nothing(
    archiver: Archiver, reader_url: str
) -> None:
    assert replace(archiver, database_url=reader_url).run().code == 78
