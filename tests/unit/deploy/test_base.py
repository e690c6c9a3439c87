"""The base as a whole: where things are, what they are called, and what is not in it."""

import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests import manifests
from tests.manifests import DEPLOY, NAMESPACE, Object, everything, find, job_specs

ROOT = DEPLOY.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IMAGE = "kubernaut-archiver"


def test_the_image_is_of_this_version_and_of_no_registry() -> None:
    images = {
        container["image"]
        for spec in job_specs().values()
        for container in spec["template"]["spec"]["containers"]
    }
    assert images == {f"{IMAGE}:{VERSION}"}


@pytest.mark.parametrize(
    "folder",
    [manifests.BASE, manifests.BACKFILL, manifests.BACKFILL_SHARDED, manifests.DRY_RUN],
    ids=lambda f: f.name,
)
def test_every_kustomization_with_a_pod_can_set_the_image(folder: Path) -> None:
    images = manifests.kustomization(folder)["images"]
    assert images == [{"name": IMAGE, "newTag": VERSION}]


def test_every_file_is_listed_or_says_that_it_is_an_example() -> None:
    listed = {file for folder in manifests.KUSTOMIZATIONS for file in manifests.files(folder)}
    rest = set(DEPLOY.rglob("*.yaml")) - listed
    assert {file.name for file in rest} == {"kustomization.yaml", "secret.example.yaml"}


def test_all_that_has_a_namespace_is_in_ours() -> None:
    cluster_scoped = {
        "Namespace",
        "ClusterRole",
        "ClusterRoleBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "FlowSchema",
        "PriorityLevelConfiguration",
    }
    namespaces = {
        o["metadata"].get("namespace") for o in everything() if o["kind"] not in cluster_scoped
    }
    assert namespaces == {NAMESPACE}


def test_all_of_it_carries_our_labels() -> None:
    ours = {"app.kubernetes.io/name": IMAGE, "app.kubernetes.io/part-of": "kubernaut"}
    for manifest in everything():
        assert ours.items() <= manifest["metadata"]["labels"].items(), manifest["metadata"]["name"]


def test_pod_security_is_restricted_of_a_pinned_version() -> None:
    labels = find("Namespace", NAMESPACE)["metadata"]["labels"]
    prefix = "pod-security.kubernetes.io"
    assert {labels[f"{prefix}/{mode}"] for mode in ("enforce", "warn", "audit")} == {"restricted"}
    assert labels[f"{prefix}/enforce-version"].startswith("v1.")


def test_the_schedule_alone_is_of_the_component_that_a_restore_leaves_out() -> None:
    labels = ((o["kind"], o["metadata"]["labels"]) for o in manifests.load(manifests.BASE))
    runs = [kind for kind, has in labels if has.get("app.kubernetes.io/component") == "run"]
    assert runs == ["CronJob"]


def test_no_secret_is_committed() -> None:
    assert "Secret" not in {o["kind"] for o in everything()}
    example = (DEPLOY / "secret.example.yaml").read_text()
    secrets = {s["metadata"]["name"]: s["stringData"] for s in yaml.safe_load_all(example)}
    assert set(secrets) == {"archiver-database", "archiver-database-owner"}
    for data in secrets.values():
        assert set(data) == {"password", "ca.crt"}
        assert all(value.startswith("to be replaced") for value in data.values())


@pytest.mark.parametrize("name", ["archiver", "archiver-migrate"])
def test_the_database_url_has_no_password_and_verifies_the_server(name: str) -> None:
    url = urlsplit(find("ConfigMap", name)["data"]["ARCHIVER_DATABASE_URL"])
    assert url.scheme == "postgresql"
    assert url.username
    assert url.password is None
    assert parse_qs(url.query) == {
        "sslmode": ["verify-full"],
        "sslrootcert": ["/etc/archiver/database/ca.crt"],
    }


def test_the_two_users_of_the_database_differ_in_nothing_else() -> None:
    urls = [
        urlsplit(find("ConfigMap", name)["data"]["ARCHIVER_DATABASE_URL"])
        for name in ("archiver", "archiver-migrate")
    ]
    writer, owner = urls
    assert writer.username != owner.username
    assert (writer.hostname, writer.port, writer.path, writer.query) == (
        owner.hostname,
        owner.port,
        owner.path,
        owner.query,
    )


def policy(name: str) -> Object:
    spec: Object = find("NetworkPolicy", name)["spec"]
    return spec


def test_nothing_comes_in_and_only_known_ports_go_out() -> None:
    base = policy("archiver")
    assert base["podSelector"] == {}
    assert base["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in base
    ports = [{port["port"] for port in rule["ports"]} for rule in base["egress"]]
    assert ports == [{53}, {5432, 6432}]
    # DNS goes to the cluster's servers only.
    assert base["egress"][0]["to"]


def test_the_migration_does_not_reach_the_api_server() -> None:
    selector = policy("archiver-api-server")["podSelector"]
    assert selector["matchExpressions"] == [
        {"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["migrate"]}
    ]
    (rule,) = policy("archiver-api-server")["egress"]
    assert {port["port"] for port in rule["ports"]} == {443, 6443}
    component = job_specs()["archiver-migrate"]["template"]["metadata"]["labels"]
    assert component["app.kubernetes.io/component"] == "migrate"
