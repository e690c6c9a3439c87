"""docs/operations.md, "Another password, another CA" and "Upgrade"."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier, Literal

from tests.e2e.deploy.kube_api import Object
from tests.e2e.node.documented import carried_out, commands, write_files
from tests.e2e.node.installed import Installed
from tests.e2e.node.settled import assert_settled
from tests.e2e.run.objects import Collection
from tests.manifests import BASE
from tests.node.postgresql import WRITER, Archive
from tests.postgres.sql import execute


def set_password(archive: Archive) -> None:
    """As psql does for `\\password`."""
    statement = SQL("ALTER ROLE {} PASSWORD {}")
    known = archive.passwords[WRITER]
    execute(archive.url, statement.format(Identifier(WRITER), Literal(known)))


def change_password(installed: Installed, archive: Archive, folder: Path) -> None:
    """All commands, and the one in psql where it belongs; `archive` knows the new password."""
    folder.mkdir()
    write_files(archive, folder)
    for step in carried_out(
        installed, commands("docs/operations.md", "Another password, another CA"), folder
    ):
        if step[-2:] == ["get", "jobs"]:
            set_password(archive)


@pytest.fixture
def with_another_password(unscheduled: Installed, tmp_path: Path) -> Iterator[Installed]:
    """An installation whose writer has another password than at first."""
    first = unscheduled.archive
    other = {WRITER: secrets.token_urlsafe(24)}
    changed = replace(first, passwords={**first.passwords, **other})
    change_password(unscheduled, changed, tmp_path / "changed")
    yield unscheduled
    change_password(unscheduled, first, tmp_path / "first")


def test_runs_go_on_with_another_password(
    with_another_password: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(5))
    assert with_another_password.get("cronjob", "archiver")["spec"]["suspend"] is False
    assert with_another_password.run("with-the-new-one") == "Complete"
    assert_settled(url, processings, due)


def migration_of_another_release(installed: Installed) -> Object:
    """Its Job, which no apply can make this one's: a Job's template cannot be changed."""
    applied = installed.kubectl(
        "apply", "-k", installed.overlays[BASE], "--dry-run=client", "-o", "json"
    )
    (job,) = (one for one in json.loads(applied)["items"] if one["kind"] == "Job")
    made: Object = {
        "apiVersion": job["apiVersion"],
        "kind": "Job",
        "metadata": {key: job["metadata"][key] for key in ("name", "namespace", "labels")},
        "spec": job["spec"],
    }
    labels = made["spec"]["template"].setdefault("metadata", {}).setdefault("labels", {})
    labels["app.kubernetes.io/version"] = "0.0.9"
    return made


def test_an_upgrade_replaces_the_jobs_of_the_old_release(
    unscheduled: Installed, processings: Collection, url: str
) -> None:
    unscheduled.delete("archiver-migrate")
    unscheduled.kubectl.apply([migration_of_another_release(unscheduled)])
    assert unscheduled.ended("archiver-migrate") == "Complete"
    old = unscheduled.get("job", "archiver-migrate")["metadata"]["uid"]
    due = processings.create_all(range(5))
    steps = commands("docs/operations.md", "Upgrade")
    assert [*carried_out(unscheduled, steps)] == steps
    assert unscheduled.get("job", "archiver-migrate")["metadata"]["uid"] != old
    assert unscheduled.run("after-the-upgrade") == "Complete"
    assert_settled(url, processings, due)
