"""What every pod of ours must say of itself, whoever's Job it is."""

import json
from typing import Any

import pytest

from archiver.domain.policy import SECOND
from archiver.settings import load
from tests.manifests import DEPLOY, Object, everything, job_specs

JOBS = sorted(job_specs())
SHARDED = "archiver-backfill-sharded"
# What Jobs say for themselves: how long they last, and among how many pods they share the work.
_OF_THE_JOB = {"ARCHIVER_DEADLINE", "ARCHIVER_SHARDS"}
RUNS = [job for job in JOBS if job != "archiver-migrate"]


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest) -> Object:
    return job_specs()[request.param]


@pytest.fixture
def pod(job: Object) -> Object:
    spec: Object = job["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: Object) -> Object:
    (container,) = pod["containers"]
    assert "initContainers" not in pod
    return dict(container)


def test_is_nobody_and_stays_so(pod: Object, container: Object) -> None:
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }


def test_shares_nothing_with_its_host(pod: Object) -> None:
    assert {"hostNetwork", "hostPID", "hostIPC", "hostUsers"}.isdisjoint(pod)
    assert {next(iter(set(volume) - {"name"})) for volume in pod["volumes"]} <= {
        "secret",
        "projected",
    }


def test_mounts_only_to_read(container: Object) -> None:
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_runs_the_entry_point_without_a_shell(container: Object) -> None:
    assert "command" not in container
    assert all(argument.isprintable() and " " not in argument for argument in container["args"])


def test_is_bounded(job: Object, pod: Object, container: Object) -> None:
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert set(requests) == set(limits) == {"cpu", "memory", "ephemeral-storage"}
    assert job["activeDeadlineSeconds"] > 0
    (limit,) = (job[key] for key in ("backoffLimit", "backoffLimitPerIndex") if key in job)
    assert limit >= 0
    assert pod["terminationGracePeriodSeconds"] >= 30


def test_the_memory_limit_is_twice_what_was_measured(container: Object) -> None:
    measured = json.loads((DEPLOY.parent / "bench/results.json").read_text())
    peak = max(
        measured["once"]["largeObjectsRssMiB"],
        *(row[run]["rssMiB"] for row in measured["rows"] for run in ("whole", "again", "unmarked")),
    )
    limit, request = (container["resources"][of]["memory"] for of in ("limits", "requests"))
    assert 2 * peak <= int(limit.removesuffix("Mi")) < 3 * peak
    assert peak <= int(request.removesuffix("Mi"))


def test_knows_no_password_but_from_a_file(container: Object) -> None:
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment.pop("ARCHIVER_DATABASE_PASSWORD_FILE") == "/etc/archiver/database/password"
    assert environment.keys() <= _OF_THE_JOB
    assert None not in environment.values()
    assert [set(source) for source in container["envFrom"]] == [{"configMapRef"}]


def test_secret_files_are_for_its_group_only(pod: Object) -> None:
    sources = [volume.get("secret") or volume["projected"] for volume in pod["volumes"]]
    assert {source["defaultMode"] for source in sources} == {0o440}


@pytest.mark.parametrize("name", [job for job in JOBS if job != SHARDED])
def test_fails_at_once_where_trying_again_is_of_no_use_and_only_there(name: str) -> None:
    job = job_specs()[name]
    assert job["podFailurePolicy"] == {
        "rules": [
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            {
                "action": "FailJob",
                "onExitCodes": {
                    "containerName": "archiver",
                    "operator": "In",
                    "values": [1, 65, 78],
                },
            },
        ]
    }


def test_a_pod_is_replaced_when_it_has_ended_and_by_the_job_alone(job: Object) -> None:
    assert job["podReplacementPolicy"] == "Failed"
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_no_token_is_mounted_by_itself(pod: Object) -> None:
    assert pod["automountServiceAccountToken"] is False
    accounts = [o for o in everything() if o["kind"] == "ServiceAccount"]
    assert [account["automountServiceAccountToken"] for account in accounts] == [False, False]


@pytest.mark.parametrize("name", RUNS)
def test_the_token_is_short_lived_and_for_the_api_server(name: str) -> None:
    pod = job_specs()[name]["template"]["spec"]
    (volume,) = (v for v in pod["volumes"] if v["name"] == "api-access")
    sources = volume["projected"]["sources"]
    # No audience: that is the API server's own, which differs from cluster to cluster.
    assert sources[0] == {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "api-access")
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


def test_the_migration_has_neither_token_nor_the_writers_secret() -> None:
    pod = job_specs()["archiver-migrate"]["template"]["spec"]
    (volume,) = pod["volumes"]
    assert volume["secret"]["secretName"] == "archiver-database-owner"
    assert pod["serviceAccountName"] == "archiver-migrate"
    assert pod["containers"][0]["args"] == ["migrate"]


@pytest.mark.parametrize("name", RUNS)
def test_the_owners_secret_is_not_where_the_archiver_runs(name: str) -> None:
    pod = job_specs()[name]["template"]["spec"]
    secrets = [v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v]
    assert secrets == ["archiver-database"]


def without_arguments(name: str) -> tuple[Any, Any]:
    pod = job_specs()[name]["template"]["spec"]
    (container,) = pod["containers"]
    rest = {key: value for key, value in container.items() if key != "args"}
    rest["env"] = [entry for entry in rest["env"] if entry["name"] not in _OF_THE_JOB]
    return container["args"], {**pod, "containers": [rest]}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_stops_listing_before_its_job_is_killed(name: str) -> None:
    job = job_specs()[name]
    (container,) = job["template"]["spec"]["containers"]
    given = {v["name"].removeprefix("ARCHIVER_").lower(): v["value"] for v in container["env"]}
    deadline = load(**{k: v for k, v in given.items() if k == "deadline"}).deadline / SECOND
    grace = job["template"]["spec"]["terminationGracePeriodSeconds"]
    assert job["activeDeadlineSeconds"] / 2 < deadline < job["activeDeadlineSeconds"] - grace


def test_all_runs_are_the_same_pod_with_other_arguments() -> None:
    arguments, pods = zip(*(without_arguments(name) for name in RUNS), strict=True)
    assert dict(zip(RUNS, arguments, strict=True)) == {
        "archiver": ["run"],
        "archiver-backfill": ["backfill", "--all-namespaces"],
        "archiver-backfill-sharded": ["backfill", "--all-namespaces"],
        "archiver-dry-run": ["run", "--dry-run=server"],
    }
    assert all(pod == pods[0] for pod in pods)
