"""The backfill that several pods share: one number says how many."""

import copy

import yaml

from archiver.domain.shard import MOST_SHARDS
from tests import manifests
from tests.manifests import Object, find, job_specs

NAME = "archiver-backfill-sharded"


def environment(job: str) -> dict[str, str]:
    (container,) = job_specs()[job]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def test_every_shard_has_its_pod_and_all_run_at_once() -> None:
    spec = job_specs()[NAME]
    assert spec["completionMode"] == "Indexed"
    assert spec["completions"] == spec["parallelism"]
    assert 1 < spec["completions"] <= MOST_SHARDS
    # Text, or the API server refuses it.
    assert environment(NAME)["ARCHIVER_SHARDS"] == str(spec["completions"])


def test_the_number_is_copied_from_one_place() -> None:
    (replacement,) = manifests.kustomization(manifests.BACKFILL_SHARDED)["replacements"]
    assert replacement["source"] == {"kind": "Job", "name": NAME, "fieldPath": "spec.completions"}
    (target,) = replacement["targets"]
    assert target["select"] == {"kind": "Job", "name": NAME}
    assert target["fieldPaths"] == [
        "spec.parallelism",
        "spec.template.spec.containers.[name=archiver].env.[name=ARCHIVER_SHARDS].value",
    ]


def test_it_is_otherwise_the_backfill_job() -> None:
    sharded, whole = (copy.deepcopy(find("Job", name)) for name in (NAME, "archiver-backfill"))
    for extra in ("completionMode", "completions", "parallelism", "backoffLimitPerIndex"):
        del sharded["spec"][extra]
    del whole["spec"]["backoffLimit"]
    for job in (sharded, whole):
        del job["metadata"]["name"], job["spec"]["podFailurePolicy"]
    (container,) = sharded["spec"]["template"]["spec"]["containers"]
    container["env"] = [one for one in container["env"] if one["name"] != "ARCHIVER_SHARDS"]
    assert sharded == whole


def policy() -> list[Object]:
    rules: list[Object] = job_specs()[NAME]["podFailurePolicy"]["rules"]
    return rules


def test_a_shard_with_objects_for_a_person_does_not_end_the_others() -> None:
    disruption, one_index, all_of_it = policy()
    assert disruption["action"] == "Ignore"
    assert (one_index["action"], one_index["onExitCodes"]["values"]) == ("FailIndex", [1])
    assert (all_of_it["action"], all_of_it["onExitCodes"]["values"]) == ("FailJob", [65, 78])
    # FailIndex needs it.
    assert job_specs()[NAME]["backoffLimitPerIndex"] == 10


def test_all_pods_share_the_flow_control_level_without_a_429() -> None:
    level = find("PriorityLevelConfiguration", "kubernaut-archiver")["spec"]["limited"]
    longest_queue = level["limitResponse"]["queuing"]["queueLengthLimit"]
    marks_under_way = 16 * job_specs()[NAME]["completions"]
    assert longest_queue >= 2 * marks_under_way


def test_the_flow_is_the_archivers_and_nobody_elses() -> None:
    schema = find("FlowSchema", "kubernaut-archiver")["spec"]
    assert schema["priorityLevelConfiguration"]["name"] == "kubernaut-archiver"
    (rule,) = schema["rules"]
    assert rule["subjects"] == [
        {
            "kind": "ServiceAccount",
            "serviceAccount": {
                "namespace": manifests.NAMESPACE,
                "name": manifests.SERVICE_ACCOUNT,
            },
        }
    ]
    # Between the controllers' own schemas and the one for all ServiceAccounts.
    assert 900 < schema["matchingPrecedence"] < 9000


def test_the_reasons_stand_beside_each_number() -> None:
    for file in manifests.files(manifests.FLOW_CONTROL):
        lines = file.read_text(encoding="utf-8").splitlines()
        spec = lines.index("spec:")
        named = ("Shares", "Percent", "LengthLimit", "Precedence", "queues:", "type: Queue")
        for number, line in enumerate(lines[spec:], spec):
            if any(name in line for name in named):
                assert lines[number - 1].lstrip().startswith("#"), f"{file.name}: {line}"
        assert yaml.safe_load(file.read_text(encoding="utf-8"))
