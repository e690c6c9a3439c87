"""The CronJob's times, against one another."""

from archiver.domain.policy import SECOND
from archiver.settings import load
from tests.manifests import Object, find, job_specs

INTERVAL = 30 * 60  # seconds


def configured(name: str) -> float:
    """Seconds that deploy/config.yaml gives a setting."""
    value = find("ConfigMap", "archiver")["data"][f"ARCHIVER_{name.upper()}"]
    return float(getattr(load(**{name: value}), name) / SECOND)


LEAD, RETENTION = configured("lead"), configured("retention")


def cron_job() -> Object:
    spec: Object = find("CronJob", "archiver")["spec"]
    return spec


def test_runs_every_half_hour_at_odd_minutes() -> None:
    minutes, *rest = cron_job()["schedule"].split()
    assert rest == ["*", "*", "*", "*"]
    first, second = map(int, minutes.split(","))
    assert (second - first) * 60 == INTERVAL
    assert first not in {0, 30}
    assert cron_job()["timeZone"] == "Etc/UTC"
    # The node's tests switch it on and off themselves.
    assert cron_job()["suspend"] is False


def test_one_run_ends_before_the_next_begins() -> None:
    spec = job_specs()["archiver"]
    grace = spec["template"]["spec"]["terminationGracePeriodSeconds"]
    assert spec["activeDeadlineSeconds"] + grace < INTERVAL
    assert cron_job()["concurrencyPolicy"] == "Forbid"


def test_all_tries_have_their_turn_within_the_deadline() -> None:
    spec = job_specs()["archiver"]
    # The Job controller waits 10 s before the second try and doubles from there.
    waiting = sum(10 * 2**retry for retry in range(spec["backoffLimit"]))
    assert waiting < spec["activeDeadlineSeconds"] / 4


def test_a_missed_run_is_made_up_for_only_while_it_is_not_the_next_ones_turn() -> None:
    # Below 10 s it might never run at all: the controller looks every 10 s.
    assert 10 < cron_job()["startingDeadlineSeconds"] < INTERVAL


def test_keeps_every_failed_run_that_a_loss_would_begin_with() -> None:
    assert cron_job()["failedJobsHistoryLimit"] * INTERVAL >= LEAD
    assert cron_job()["successfulJobsHistoryLimit"] >= 1


def test_a_resource_is_due_in_time_for_many_runs_but_not_at_once() -> None:
    assert RETENTION == 24 * 3600  # as Kubernaut's own
    assert 12 * INTERVAL <= LEAD < RETENTION / 2


def test_the_dry_run_tries_once_because_somebody_waits() -> None:
    assert job_specs()["archiver-dry-run"]["backoffLimit"] == 0


def test_one_shot_jobs_remove_themselves() -> None:
    one_shot = [spec for name, spec in job_specs().items() if name != "archiver"]
    assert all(spec["ttlSecondsAfterFinished"] >= 600 for spec in one_shot)
