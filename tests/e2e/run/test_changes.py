"""What happens to an object after it was marked."""

from dataclasses import replace

import pytest

from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.command import Archiver, finish, succeeded
from tests.e2e.run.objects import Collection, digest_in_mark, is_marked, uid
from tests.e2e.run.rows import Rows


@pytest.mark.same_on_all_releases("two ids are compared")
def test_the_cluster_id_of_another_cluster_is_refused(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    processings.create(1)
    other = {"ARCHIVER_CLUSTER_ID": "22222222-2222-4222-8222-222222222222"}
    refused = replace(archiver, environment=other).run()
    assert (refused.code, rows.revisions()) == (78, 0)
    assert "this is the wrong cluster" in refused.report["error"]
    right = {"ARCHIVER_CLUSTER_ID": succeeded(archiver.run()).report["clusterId"]}
    assert succeeded(replace(archiver, environment=right).run()).counts("already") == [1]


def test_a_changed_status_is_the_next_revision(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    resource = processings.create(1)
    succeeded(archiver.run())
    changed = {**resource["status"], "phase": "Failed", "message": "routing was refused"}
    after = processings.write_status(processings.get(resource), changed)
    done = succeeded(archiver.run())
    assert done.counts("found", "archived") == [1, 1]
    assert done.effects("inserted", "revised", "reArchived") == [0, 1, 1]
    assert (rows.revisions(), rows.of_the_view()) == (2, 1)
    row = rows.newest()[uid(resource)]
    assert row["revision"] == 1
    assert row["manifest"]["status"] == after["status"]
    assert digest_in_mark(processings.get(resource)) == row["digest"]


def test_back_to_what_it_was(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    resource = processings.create(1)
    other = {**resource["status"], "phase": "Failed"}
    for status in (resource["status"], other, resource["status"]):
        processings.write_status(processings.get(resource), status)
        succeeded(archiver.run())
    assert (rows.revisions(), rows.of_the_view()) == (3, 1)
    assert rows.newest()[uid(resource)]["manifest"]["status"] == resource["status"]


def test_a_label_of_others_changes_nothing(
    admin: KubeApi, archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    resource = processings.create(1)
    succeeded(archiver.run())
    path = f"{processings.path}/{resource['metadata']['name']}"
    assert admin.merge(path, {"metadata": {"labels": {"team": "payments"}}}).ok
    done = succeeded(archiver.run())
    assert done.counts("already") == [1]
    assert not any(done.report["effects"].values())
    assert rows.revisions() == 1


def test_created_again_under_its_name(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    first = processings.create(1)
    succeeded(archiver.run())
    processings.empty()
    second = processings.create(1)
    succeeded(archiver.run())
    stored = rows.newest()
    assert stored.keys() == {uid(first), uid(second)}
    assert {row["revision"] for row in stored.values()} == {0}


def test_two_runs_at_once(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    created = processings.create_all(range(60))
    runs = [archiver.start(), archiver.start()]
    for done in [succeeded(finish(process)) for process in runs]:
        archived, already = done.counts("archived", "already")
        assert archived + already == 60
    assert rows.revisions() == 60
    assert rows.newest().keys() == {uid(o) for o in created}
    assert all(map(is_marked, processings.all().values()))
