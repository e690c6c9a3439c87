"""The node fails in the middle of a run and comes back."""

import subprocess

import pytest

from tests.e2e.node.installed import Change, Installed
from tests.e2e.node.settled import assert_no_mark_without_row, assert_settled
from tests.e2e.node.target import Target
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually

A_LONG_TIME = 240.0  # seconds; a restarted kind cluster takes its time


@pytest.mark.needs_restart
def test_a_run_survives_the_restart_of_its_node(
    installed: Installed, processings: Collection, target: Target, url: str
) -> None:
    due = processings.create_all(range(60))
    installed.start("restarted", Change({"ARCHIVER_MAX_MARKS_PER_SECOND": "4"}))
    eventually(lambda: sum(map(is_marked, processings.all().values())) >= 3)
    subprocess.run(target.restart, check=True)
    assert installed.ended("restarted", A_LONG_TIME) == "Complete"
    assert len(installed.pods.of_job("restarted")) >= 2
    assert_no_mark_without_row(url, processings, due)
    assert_settled(url, processings, due)
