"""What the installation section of README.md leads to, step by step."""

from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi, Object
from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import Installed
from tests.e2e.node.settled import assert_settled, revisions
from tests.e2e.node.target import Target
from tests.e2e.run.objects import Collection, is_marked
from tests.manifests import BACKFILL, BACKFILL_SHARDED, BASE
from tests.manifests import DRY_RUN as DRY_RUN_JOB


def test_the_migration_needs_one_pod(migrated: Installed) -> None:
    # One of each installation: a second try would follow one that failed.
    assert set(exit_codes(migrated.pods.of_job("archiver-migrate"))) == {0}


def test_what_is_applied_again_is_left_as_it_is(migrated: Installed) -> None:
    said = migrated.kubectl("apply", "-k", migrated.overlays[BASE])
    assert "cronjob.batch/archiver unchanged" in said
    assert "configured" not in said


def test_pod_security_refuses_an_ordinary_pod(migrated: Installed, target: Target) -> None:
    refused = migrated.kubectl.try_to(
        "-n", "kubernaut-archiver", "run", "ordinary", f"--image={target.image}"
    )
    assert refused.returncode != 0
    assert 'violates PodSecurity "restricted' in refused.stderr


def test_the_dry_run_proves_everything_and_writes_nothing(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(10))
    before = processings.all()
    installed.kubectl("apply", "-k", installed.overlays[DRY_RUN_JOB])
    assert installed.ended("archiver-dry-run") == "Complete"
    assert set(exit_codes(installed.pods.of_job("archiver-dry-run"))) == {0}
    report = installed.report("archiver-dry-run")
    assert report["mode"] == "run --dry-run=server"
    assert report["counts"]["archived"] >= len(due)
    assert processings.all() == before
    assert revisions(url, due) == {}
    # What it announced, a run then does; and nothing stays that the guard holds.
    assert installed.run("as-announced") == "Complete"
    assert_settled(url, processings, due)


def test_the_backfill_archives_whatever_age(
    installed: Installed, processings: Collection, url: str
) -> None:
    young = [processings.create(1, hours=0.1), processings.create(2, hours=1, phase="failed")]
    unfinished = processings.create(3, phase="enriching")
    installed.kubectl("apply", "-k", installed.overlays[BACKFILL])
    assert installed.ended("archiver-backfill") == "Complete"
    assert set(exit_codes(installed.pods.of_job("archiver-backfill"))) == {0}
    assert_settled(url, processings, young)
    assert not is_marked(processings.get(unfinished))


def assert_shared(reports: list[Object], objects: int) -> None:
    """Each shard had a part of them, and all together each of them once."""
    # By the rows nobody can tell: the key makes one of whatever several shards write.
    assert sum(report["counts"]["archived"] for report in reports) == objects
    found = [report["counts"]["found"] for report in reports]
    assert 0 not in found
    assert [report["otherShards"] for report in reports] == [sum(found) - own for own in found]


def test_four_shards_archive_each_object_once(
    installed: Installed, processings: Collection, url: str
) -> None:
    job = "archiver-backfill-sharded"
    done = processings.create_all(range(40))
    installed.kubectl("apply", "-k", installed.overlays[BACKFILL_SHARDED])
    assert installed.ended(job) == "Complete"
    assert exit_codes(installed.pods.of_job(job)) == [0, 0, 0, 0]
    assert installed.get("job", job)["status"]["completedIndexes"] == "0-3"
    assert_shared(installed.reports(job), len(done))
    assert_settled(url, processings, done)


def test_the_guard_lets_go_what_a_pod_archived(
    installed: Installed, processings: Collection, admin: KubeApi
) -> None:
    due = processings.create(1)
    path = f"{processings.path}/{due['metadata']['name']}"
    refused = admin.send("DELETE", path, query=DRY_RUN)
    assert not refused.ok
    assert "archive" in refused.message
    assert installed.run("let-go") == "Complete"
    assert installed.document("let-go")["gate"] == "guard"
    assert admin.send("DELETE", path).ok
