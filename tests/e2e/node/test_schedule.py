"""The CronJob makes Jobs by the clock, and one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.deploy.kube_api import Object
from tests.e2e.node.installed import Installed
from tests.e2e.node.settled import assert_settled
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually

A_MINUTE = 90.0  # seconds: the next full one, and what it takes to notice
RATE = "ARCHIVER_MAX_MARKS_PER_SECOND"


@contextmanager
def scheduled(installed: Installed) -> Iterator[None]:
    """The schedule is on for the time of the context."""
    _suspend(installed, suspended=False)
    try:
        yield
    finally:
        _suspend(installed, suspended=True)


def _suspend(installed: Installed, *, suspended: bool) -> None:
    patch = f'{{"spec": {{"suspend": {str(suspended).lower()}}}}}'
    installed.ask("patch", "cronjob", "archiver", "--patch", patch)


def _scheduled_jobs(installed: Installed) -> list[str]:
    # `kubectl create job --from` makes the CronJob an owner too, but marks what it made.
    made_by_hand = "cronjob.kubernetes.io/instantiate"
    jobs: list[Object] = installed.get("jobs")["items"]
    return [
        job["metadata"]["name"]
        for job in jobs
        if job["metadata"].get("ownerReferences")
        and made_by_hand not in job["metadata"].get("annotations", {})
    ]


def _held_back(installed: Installed) -> bool:
    return bool(installed.get("events", "--field-selector=reason=JobAlreadyActive")["items"])


def test_the_schedule_fires_and_archives(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(20))
    fresh = processings.create(100, hours=1)
    with scheduled(installed):
        eventually(lambda: bool(_scheduled_jobs(installed)), A_MINUTE)
    (job,) = _scheduled_jobs(installed)
    assert installed.ended(job) == "Complete"
    installed.delete(job)
    assert_settled(url, processings, due)
    assert not is_marked(processings.get(fresh))


def test_a_slow_run_holds_the_next_one_back(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(150))
    installed.ask("set", "env", "cronjob/archiver", f"{RATE}=1")
    try:
        with scheduled(installed):
            eventually(lambda: bool(_scheduled_jobs(installed)), A_MINUTE)
            eventually(lambda: _held_back(installed), A_MINUTE)
            jobs = _scheduled_jobs(installed)
    finally:
        installed.ask("set", "env", "cronjob/archiver", f"{RATE}-")
    assert len(jobs) == 1
    assert len(installed.pods.of_job(jobs[0])) == 1
    installed.delete(*jobs)
    assert installed.run("after-slow") == "Complete"
    assert_settled(url, processings, due)
