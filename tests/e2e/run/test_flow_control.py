"""The archiver in its own lane of the API server, a narrow one too, and at a rate of its own."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deploy.installation import applied
from tests.e2e.deploy.kube_api import KubeApi, Object, path_of
from tests.e2e.run.command import Archiver, succeeded
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually
from tests.manifests import FLOW_CONTROL, find, load

MANY = 200


@pytest.fixture
def lane(admin: KubeApi, account: Path) -> Iterator[str]:
    """The uid of the FlowSchema, in force."""
    schema = find("FlowSchema", "kubernaut-archiver")
    ours = KubeApi(account)
    with applied(admin, load(FLOW_CONTROL)):
        uid = str(admin.send("GET", path_of(schema)).body["metadata"]["uid"])
        eventually(lambda: flow_of(ours) == uid)
        yield uid
    ours.close()


def flow_of(api: KubeApi) -> str:
    """The FlowSchema that this user's requests fall under."""
    return api.send("GET", "/api/v1/namespaces/kube-system").flow_schema


@pytest.fixture
def narrow(admin: KubeApi, lane: str) -> Object:
    """The lane with one share, three seats, and no queue: whoever is too many hears it."""
    level = copy.deepcopy(find("PriorityLevelConfiguration", "kubernaut-archiver"))
    level["spec"]["limited"] |= {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}
    answer = admin.apply(level)
    assert answer.ok, answer.message
    assert lane
    return level


def events(log: str, name: str) -> list[dict[str, Any]]:
    """The log's events of this name."""
    return [event for line in log.splitlines() if (event := json.loads(line))["event"] == name]


def test_only_the_archivers_requests_go_there(
    lane: str, admin: KubeApi, archiver: Archiver, processings: Collection
) -> None:
    ours = KubeApi(archiver.kubeconfig)
    paths = ["/apis/remediationprocessing.kubernaut.io/v1", processings.path, "/api/v1/pods"]
    assert {ours.send("GET", path).flow_schema for path in paths} == {lane}
    ours.close()
    assert flow_of(admin) not in {lane, ""}
    processings.create_all(range(20), context_bytes=0)
    assert succeeded(archiver.run()).counts("archived") == [20]


@pytest.mark.usefixtures("narrow")
def test_a_server_that_says_it_is_busy_is_given_time(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    processings.create_all(range(MANY), context_bytes=0)
    done = succeeded(archiver.run())
    refused = [e for e in events(done.err, "request.repeated") if e["status"] == 429]
    # Sixteen begin at once, and there are three seats. A second is what the server asks for.
    assert refused
    assert all(event["seconds"] >= 1 for event in refused)
    assert events(done.err, "window.reduced")
    # Had it gone on with sixteen, most requests would have been refused.
    assert max(event["repetitions"] for event in refused) < MANY / 2
    assert done.counts("archived") == [MANY]
    assert all(map(is_marked, processings.all().values()))
    assert rows.revisions() == MANY


@pytest.mark.same_on_all_releases("the archiver's own clock")
def test_an_upper_rate_is_kept(archiver: Archiver, processings: Collection) -> None:
    processings.create_all(range(11), context_bytes=0)
    done = succeeded(archiver.run("--max-marks-per-second", "5", "--workers", "16"))
    assert done.counts("archived") == [11]
    # Ten pauses of a fifth of a second, whatever the machine.
    assert done.report["seconds"] >= 2


@pytest.mark.same_on_all_releases("nobody is asked")
def test_a_rate_of_nothing_is_refused(archiver: Archiver) -> None:
    done = archiver.run("--max-marks-per-second", "0")
    assert done.code == 78
    assert "ARCHIVER_MAX_MARKS_PER_SECOND" in done.err
