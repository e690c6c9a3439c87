"""The memory limit: enough for the largest pages, and no harm where it is not."""

from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import LIMIT, Change, Installed
from tests.e2e.node.settled import assert_no_mark_without_row, assert_settled
from tests.e2e.run.objects import Collection
from tests.e2e.waiting import eventually

# Near the largest object that etcd takes (1.5 MiB), with room for the mark.
LARGE = 1_200_000  # bytes
# Too little for a page of large ones. With the first nothing is stored; one of the others is enough
# for pages of small ones: which, depends on the kernel's accounting and on the libraries.
TOO_LITTLE = ("64Mi", "70Mi", "76Mi", "82Mi")


def test_the_limit_is_enough_for_the_largest_objects(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(40), context_bytes=LARGE)
    assert installed.run("large") == "Complete"
    # A pod that is killed would be tried again, and go on where the marks end.
    assert exit_codes(installed.pods.of_job("large")) == [0]
    assert_settled(url, processings, due)


def assert_killed_and_tried_again(installed: Installed, memory: str) -> None:
    job = f"with-{memory.lower()}"
    installed.start(job, Change({"ARCHIVER_PAGE_SIZE": "20"}, memory=memory))
    _, end = installed.first_end(job)
    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137), memory
    # No failure of the Job.
    eventually(lambda: len(installed.pods.of_job(job)) > 1, LIMIT)
    installed.delete(job)


def test_an_oom_kill_loses_nothing(installed: Installed, processings: Collection, url: str) -> None:
    # In the order of their names, which is that of the list: pages that fit, then some that do not.
    small = processings.create_all(range(100, 200))
    due = small + processings.create_all(range(200, 240), context_bytes=LARGE)
    marked = 0
    for memory in TOO_LITTLE:
        assert_killed_and_tried_again(installed, memory)
        if marked := assert_no_mark_without_row(url, processings, due):
            break
    assert 0 < marked < len(due)
    assert installed.run("enough") == "Complete"
    assert_settled(url, processings, due)
