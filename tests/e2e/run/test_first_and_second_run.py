"""The main job: what is due becomes rows and marks; doing it again does nothing."""

from dataclasses import replace
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from archiver.domain import mark as keys
from tests.controlplane import ControlPlane
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.run.command import Archiver, succeeded
from tests.e2e.run.objects import (
    Collection,
    annotations,
    digest_in_mark,
    is_marked,
    uid,
    without_volatile,
)
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually
from tests.manifests import USERNAME


class Scene(NamedTuple):
    """What the cluster holds before the run."""

    due: list[Object]
    others: list[Object]


@pytest.fixture
def scene(processings: Collection) -> Scene:
    """Due: near, past and long past cleanup, in any spelling. Others: fresh, or not done."""
    due = [
        processings.create(1, hours=20),
        processings.create(2, hours=18.1, phase="Failed"),
        processings.create(3, hours=40, phase="COMPLETED"),
        processings.create(4, hours=24 * 30),
    ]
    others = [
        processings.create(5, hours=1),
        processings.create(6, hours=17.9),
        processings.create(7, hours=20, phase="enriching"),
        processings.create(8, hours=40, phase="pending"),
    ]
    return Scene(due, others)


def test_archives_exactly_what_is_due(
    archiver: Archiver, processings: Collection, scene: Scene, rows: Rows
) -> None:
    done = succeeded(archiver.run())
    assert done.counts("found", "archived", "notDue") == [8, 4, 4]
    assert done.effects("inserted", "marked") == [4, 4]
    stored, now = rows.newest(), processings.all()
    assert stored.keys() == {uid(o) for o in scene.due}
    for before in scene.due:
        row, after = stored[uid(before)], now[uid(before)]
        assert row["revision"] == 0
        assert row["manifest"] == without_volatile(before)
        assert digest_in_mark(after) == row["digest"]
        assert len(row["digest"]) == 64
        assert annotations(after)[keys.UID] == uid(before)
        assert annotations(after)[keys.PHASE] == before["status"]["phase"].strip().lower()
        assert without_volatile(after) == without_volatile(before)
        assert after["metadata"]["generation"] == before["metadata"]["generation"]
    for before in scene.others:
        assert now[uid(before)] == before


@pytest.mark.usefixtures("scene")
def test_a_second_run_writes_nothing(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    succeeded(archiver.run())
    cluster, database = processings.all(), rows.everything()
    again = succeeded(archiver.run())
    assert again.counts("found", "already", "notDue") == [8, 4, 4]
    assert not any(again.report["effects"].values())
    assert processings.all() == cluster
    assert rows.everything() == database


@pytest.mark.usefixtures("scene")
def test_all_namespaces_are_looked_at_by_default(
    archiver: Archiver, processings: Collection
) -> None:
    succeeded(replace(archiver, namespace=None).run())
    assert sum(map(is_marked, processings.all().values())) == 4


@pytest.mark.needs_control_plane_processes("reads the audit log")
@pytest.mark.usefixtures("scene")
def test_writes_are_counted_by_the_server(
    admin: KubeApi, archiver: Archiver, control_plane: ControlPlane
) -> None:
    before = len(requests_of_the_archiver(admin, control_plane))
    succeeded(archiver.run())
    first = requests_of_the_archiver(admin, control_plane)[before:]
    assert [verb(e) for e in first].count("patch") == 4
    succeeded(archiver.run())
    second = requests_of_the_archiver(admin, control_plane)[before + len(first) :]
    assert second
    assert {verb(e) for e in [*first, *second]} <= {"get", "list", "patch"}
    assert "patch" not in [verb(e) for e in second]


def verb(event: Any) -> str:
    """What was asked for."""
    return str(event["verb"])


def requests_of_the_archiver(admin: KubeApi, control_plane: ControlPlane) -> list[Any]:
    """What its account has asked for so far."""
    token = str(uuid4())
    admin.send("GET", "/api/v1/namespaces/default", query={"token": token})
    seen: list[Any] = []

    def written() -> bool:
        # An event is written after the answer: ours follows those of the run.
        seen[:] = control_plane.audit_events()
        return any(token in event["requestURI"] for event in seen)

    eventually(written)
    return [event for event in seen if event["user"]["username"] == USERNAME]
