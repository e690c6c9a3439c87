"""The CronJob makes Jobs by the clock, and one at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.e2e.deploy.kube_api import Object
from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import Installed
from tests.e2e.node.settled import assert_settled
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually

A_MINUTE = 90.0  # seconds: the next full one, and what it takes to notice
OVER_A_MINUTE = 150  # marks, two a second


@contextmanager
def scheduled(installed: Installed, environment: Mapping[str, str]) -> Iterator[None]:
    """The schedule is on for the time of the context, with these variables beside its own."""
    assign = [f"{name}={value}" for name, value in environment.items()]
    installed.ask("set", "env", "cronjob/archiver", *assign)
    _suspend(installed, suspended=False)
    try:
        yield
    finally:
        _suspend(installed, suspended=True)
        installed.ask("set", "env", "cronjob/archiver", *(f"{name}-" for name in environment))


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


def test_runs_are_made_by_the_clock_and_one_at_a_time(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(OVER_A_MINUTE))
    fresh = processings.create(1000, hours=1)
    with scheduled(installed, {"ARCHIVER_MAX_MARKS_PER_SECOND": "2"}):
        eventually(lambda: bool(_scheduled_jobs(installed)), A_MINUTE)
        eventually(lambda: _held_back(installed), A_MINUTE)
    (job,) = _scheduled_jobs(installed)
    assert installed.ended(job) == "Complete"
    assert exit_codes(installed.pods.of_job(job)) == [0]
    assert_settled(url, processings, due)
    assert not is_marked(processings.get(fresh))
