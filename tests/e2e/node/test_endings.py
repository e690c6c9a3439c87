"""A run that is ended by others: its exit code, what is left, and what the next one makes of it."""

import json

from tests.e2e.node.documented import commands
from tests.e2e.node.history import exit_codes, time_of
from tests.e2e.node.installed import Change, Installed
from tests.e2e.node.settled import assert_no_mark_without_row, assert_settled, revisions
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually
from tests.manifests import NAMESPACE

# All are stored at once; their marks take longer than the 20 s in which they go on after SIGTERM.
SLOW = {"ARCHIVER_MAX_MARKS_PER_SECOND": "2.5", "ARCHIVER_PAGE_SIZE": "10"}
MANY = 80
MIGRATION = "job/archiver-migrate"


def _some_marked(processings: Collection) -> bool:
    return sum(map(is_marked, processings.all().values())) >= 3


def test_a_deleted_pod_ends_orderly_and_is_replaced(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(MANY))
    installed.start("deleted", Change(SLOW))
    eventually(lambda: _some_marked(processings))
    (pod,) = installed.pods.of_job("deleted")
    installed.ask("delete", "pod", pod["metadata"]["name"], "--wait=false")
    # The deadline that the deletion set: its time and the grace period. The kubelet's own deletion,
    # once the pod has ended, sets another one.
    deadline = installed.get("pod", pod["metadata"]["name"])["metadata"]["deletionTimestamp"]
    _, end = installed.first_end("deleted")
    assert end["exitCode"] == 75
    assert time_of(end["finishedAt"]) < time_of(deadline)
    assert 0 < assert_no_mark_without_row(url, processings, due) < MANY
    assert installed.ended("deleted") == "Complete"
    assert exit_codes(installed.pods.of_job("deleted")) == [75, 0]
    assert_settled(url, processings, due)


def test_the_deadline_of_the_job_ends_it_orderly(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(2 * MANY))
    # Long enough to begin on a busy machine, and too short by far to end.
    installed.start("too-long", Change(SLOW, deadline=30))
    (wait,) = (step for step in commands("README.md", "Install") if step[-1] == MIGRATION)
    installed.kubectl(*wait[:-1], "job/too-long")
    # Not FailureTarget: its pod has ended too.
    assert "Failed" in installed.ask("get", "job", "too-long").split()
    assert installed.reason("too-long") == "DeadlineExceeded"
    _, end = installed.first_end("too-long")
    assert end["exitCode"] == 75
    marked = assert_no_mark_without_row(url, processings, due)
    # All is safe; of the marks there are as many as there was time for.
    assert 0 < marked < len(revisions(url, due)) == len(due)
    assert installed.run("long-enough") == "Complete"
    assert_settled(url, processings, due)


def test_a_database_that_is_away_is_waited_for(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(10))
    installed.archive.server.stop()
    try:
        installed.start("away")
        _, end = installed.first_end("away")
        assert end["exitCode"] == 75
        assert not any(map(is_marked, processings.all().values()))
    finally:
        installed.archive.server.restart()
    assert installed.ended("away") == "Complete"
    assert set(exit_codes(installed.pods.of_job("away"))) == {75, 0}
    # The last try's, which is what became of the Job.
    assert installed.report("away")["exitCode"] == 0
    assert_settled(url, processings, due)


def test_an_eviction_is_none_of_its_tries(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(MANY))
    installed.start("evicted", Change(SLOW))
    eventually(lambda: _some_marked(processings))
    (pod,) = installed.pods.of_job("evicted")
    name = pod["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    installed.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    assert installed.ended("evicted") == "Complete"
    assert exit_codes(installed.pods.of_job("evicted")) == [75, 0]
    assert "failed" not in installed.get("job", "evicted")["status"]
    assert_settled(url, processings, due)
