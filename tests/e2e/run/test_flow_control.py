"""The archiver in its own lane of the API server, a narrow one too, and at a rate of its own."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import applied
from tests.e2e.deploy.kube_api import KubeApi, path_of
from tests.e2e.priority_levels import priority_level
from tests.e2e.run.command import Archiver, succeeded
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.run.rows import Rows
from tests.e2e.run.slow_marks import slow_marks
from tests.e2e.waiting import eventually
from tests.manifests import FLOW_CONTROL, find, load

MANY = 200
LANE = "kubernaut-archiver"


@pytest.fixture
def lane(admin: KubeApi, account: Path) -> Iterator[str]:
    """The uid of the FlowSchema, in force."""
    schema = find("FlowSchema", LANE)
    ours = KubeApi(account)
    with applied(admin, load(FLOW_CONTROL)):
        uid = str(admin.send("GET", path_of(schema)).body["metadata"]["uid"])
        eventually(lambda: flow_of(ours) == uid)
        yield uid
    ours.close()


@pytest.fixture
def controller(control_plane: Cluster) -> Iterator[KubeApi]:
    """Another ServiceAccount, such as Kubernaut's."""
    api = KubeApi(control_plane.kubeconfig_for_service_account("default", "default"))
    eventually(lambda: api.send("GET", "/apis").ok)
    yield api
    api.close()


def waiting(api: KubeApi, level: str) -> int:
    """How many requests wait for a seat of this priority level."""
    return int(priority_level(api, level)["WaitingRequests"])


def flow_of(api: KubeApi) -> str:
    """The FlowSchema that this user's requests fall under."""
    return api.send("GET", "/api/v1/namespaces/kube-system").flow_schema


def narrowed(admin: KubeApi, **limited: Any) -> None:
    """Give the lane one share: three seats."""
    level = copy.deepcopy(find("PriorityLevelConfiguration", LANE))
    level["spec"]["limited"] |= {"nominalConcurrencyShares": 1, **limited}
    answer = admin.apply(level)
    assert answer.ok, answer.message


@pytest.fixture
def narrow(admin: KubeApi, lane: str) -> None:
    """Three seats, and no queue: whoever is too many hears it."""
    assert lane
    narrowed(admin, limitResponse={"type": "Reject"})


@pytest.fixture
def held_up(
    lane: str, admin: KubeApi, archiver: Archiver, processings: Collection
) -> Iterator[str]:
    """The lane with three seats, all taken for ten seconds by a mark, and marks that wait."""
    narrowed(admin)
    processings.create_all(range(16), context_bytes=0)
    with slow_marks(processings, "Ignore"):
        archiver.start()
        eventually(lambda: waiting(admin, LANE) > 0)
        yield lane
        archiver.end()


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


def test_controllers_do_not_wait_for_what_the_archiver_waits_for(
    held_up: str, admin: KubeApi, controller: KubeApi
) -> None:
    for _ in range(20):
        found = controller.send("GET", "/apis")
        assert found.ok
        assert found.flow_schema not in {held_up, ""}
    # They still wait, and not one of the twenty has waited for them.
    assert waiting(admin, LANE) > 0


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
