"""Every manifest, taken by a real API server without an error or a warning."""

import json
import os
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml

from tests import manifests
from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import POLICIES, applied, delete
from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi, Object, path_of
from tests.e2e.waiting import eventually
from tests.node.kubectl import build_kubectl


def name_of(manifest: Object) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


EVERYTHING = [pytest.param(manifest, id=name_of(manifest)) for manifest in manifests.everything()]


@pytest.mark.parametrize("manifest", EVERYTHING)
@pytest.mark.usefixtures("installation")
def test_is_valid_to_the_letter(admin: KubeApi, manifest: Object) -> None:
    answer = admin.apply(manifest, **DRY_RUN)
    assert answer.ok, answer.message
    assert answer.warnings == ()


@pytest.mark.parametrize("manifest", EVERYTHING)
@pytest.mark.usefixtures("installation")
def test_a_misspelt_field_would_be_noticed(admin: KubeApi, manifest: Object) -> None:
    misspelt = {**manifest, "spek": {}}
    assert admin.apply(misspelt, **DRY_RUN).status == HTTPStatus.INTERNAL_SERVER_ERROR


def test_applying_it_again_changes_nothing(admin: KubeApi, installation: list[Object]) -> None:
    def versions() -> list[tuple[str, int]]:
        objects = [admin.send("GET", path_of(manifest)).body for manifest in installation]
        return [(o["metadata"]["uid"], o["metadata"].get("generation", 0)) for o in objects]

    before = versions()
    for manifest in installation:
        assert admin.apply(manifest).ok
    assert versions() == before


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize(
    "folder",
    [manifests.BACKFILL, manifests.BACKFILL_SHARDED, manifests.DRY_RUN],
    ids=lambda f: f.name,
)
def test_the_one_shot_jobs_make_their_pod(admin: KubeApi, folder: Path) -> None:
    with applied(admin, manifests.load(folder)):
        eventually(lambda: bool(pods_of(admin, f"archiver-{folder.name}")))


@pytest.mark.usefixtures("installation")
def test_each_shard_has_a_pod_that_is_told_its_number(admin: KubeApi) -> None:
    shards = manifests.job_specs()["archiver-backfill-sharded"]["completions"]
    index = "batch.kubernetes.io/job-completion-index"
    with applied(admin, manifests.load(manifests.BACKFILL_SHARDED)):
        eventually(lambda: len(pods_of(admin, "archiver-backfill-sharded")) == shards)
        told = {}
        for pod in pods_of(admin, "archiver-backfill-sharded"):
            (container,) = pod["spec"]["containers"]
            environment = {entry["name"]: entry for entry in container["env"]}
            source = environment["JOB_COMPLETION_INDEX"]["valueFrom"]["fieldRef"]["fieldPath"]
            labels = pod["metadata"]["labels"]
            assert source.partition("['")[2].rstrip("']") == index
            told[labels[index]] = environment["ARCHIVER_SHARDS"]["value"]
    assert told == {str(number): str(shards) for number in range(shards)}


@pytest.mark.usefixtures("installation")
def test_the_migration_makes_its_pod_at_once(admin: KubeApi) -> None:
    eventually(lambda: bool(pods_of(admin, "archiver-migrate")))


@pytest.fixture
def made_by_hand(admin: KubeApi) -> Iterator[str]:
    """The path of a Job as `kubectl create job --from=cronjob/archiver now` makes it."""
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "now", "namespace": manifests.NAMESPACE},
        "spec": manifests.job_specs()["archiver"],
    }
    answer = admin.apply(job)
    assert answer.ok, answer.message
    assert answer.warnings == ()
    yield path_of(job)
    delete(admin, path_of(job))


@pytest.mark.usefixtures("installation", "made_by_hand")
def test_the_cron_jobs_template_makes_its_pod(admin: KubeApi) -> None:
    eventually(lambda: bool(pods_of(admin, "now")))
    (pod,) = pods_of(admin, "now")
    # Nobody mounted anything beside what the template says, and nobody gave it another account.
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["database", "api-access"]
    assert pod["spec"]["serviceAccountName"] == manifests.SERVICE_ACCOUNT


def pods_of(admin: KubeApi, job: str) -> list[Object]:
    path = f"/api/v1/namespaces/{manifests.NAMESPACE}/pods"
    selector = {"labelSelector": f"batch.kubernetes.io/job-name={job}"}
    pods: list[Object] = admin.send("GET", path, query=selector).body["items"]
    return pods


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("name", ["guard", "guard-crd", "mark", "limit"])
def test_the_type_checker_finds_nothing_in_the_expressions(admin: KubeApi, name: str) -> None:
    path = f"{POLICIES}/{name}.archiver.kubernaut.io"
    eventually(lambda: "observedGeneration" in admin.send("GET", path).body.get("status", {}))
    assert admin.send("GET", path).body["status"]["typeChecking"] == {}


@pytest.fixture(scope="module")
def kubectl(control_plane: Cluster) -> Path:
    return build_kubectl(control_plane.version)


def rendered(kubectl: Path, folder: Path) -> dict[str, Object]:
    """What `kubectl apply -k` would apply."""
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=True
    )
    return {name_of(manifest): manifest for manifest in yaml.safe_load_all(done.stdout)}


@pytest.mark.parametrize("folder", manifests.KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_kubectl_renders_what_the_files_say(kubectl: Path, folder: Path) -> None:
    found = {name_of(manifest): manifest for manifest in manifests.load(folder)}
    assert rendered(kubectl, folder) == found


@pytest.mark.parametrize("folder", [manifests.BASE, manifests.GUARD], ids=lambda f: f.name)
def test_kubectl_exchanges_the_resource_in_an_overlay_of_either(
    kubectl: Path, folder: Path, tmp_path: Path
) -> None:
    parts = {"resources": folder, "components": manifests.DEPLOY / "signalprocessings"}
    # kustomize takes other folders by relative paths only.
    overlay = {kind: [os.path.relpath(part, tmp_path)] for kind, part in parts.items()}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(overlay))
    found = rendered(kubectl, tmp_path)
    assert found.keys() == {name_of(manifest) for manifest in manifests.load(folder)}
    assert "remediationprocessing" not in json.dumps([o.get("spec", o) for o in found.values()])
    assert "signalprocessings" in json.dumps(found)
