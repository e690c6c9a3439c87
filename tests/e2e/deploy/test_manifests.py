"""Every manifest, taken by a real API server without an error or a warning."""

import shutil
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml

from tests import manifests
from tests.e2e.deploy.installation import POLICIES, applied, delete
from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi, Object, path_of
from tests.e2e.waiting import eventually


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


@pytest.mark.parametrize("folder", manifests.KUSTOMIZATIONS, ids=lambda folder: folder.name)
def test_kubectl_renders_what_the_files_say(folder: Path) -> None:
    """So that what is tested here is what `kubectl apply -k` applies.

    Nothing to compare without kubectl: what it would change is what tests/unit/deploy looks at.
    """
    if (kubectl := shutil.which("kubectl")) is None:
        return
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=True
    )
    rendered = {name_of(manifest): manifest for manifest in yaml.safe_load_all(done.stdout)}
    assert rendered == {name_of(manifest): manifest for manifest in manifests.load(folder)}
