"""Without a definition of the resource, and with the published one (shape B)."""

from collections.abc import Iterator

import pytest

from tests import crds
from tests.e2e.deploy.installation import CRD, defined, delete
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.deploy.ours import labelled
from tests.e2e.run.command import Archiver, succeeded
from tests.e2e.run.objects import Collection, digest_in_mark, uid, without_volatile
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually


@pytest.fixture
def undefined(admin: KubeApi, crd: None) -> Iterator[None]:
    """No RemediationProcessings are served; at the end, those of shape A again."""
    delete(admin, CRD)
    shape_a = Collection(admin, "default")
    eventually(lambda: not admin.send("GET", shape_a.path).ok)
    yield
    assert admin.apply(labelled(crds.load(crds.BY_SHAPE["A"]))).ok
    eventually(lambda: admin.send("GET", shape_a.path).ok)


@pytest.mark.usefixtures("undefined")
def test_absent_is_an_error(archiver: Archiver, rows: Rows) -> None:
    done = archiver.run()
    assert done.code == 78, done.err
    assert "does not serve remediationprocessings" in done.report["error"]
    assert rows.everything() == []


@pytest.mark.usefixtures("undefined")
def test_shape_b(admin: KubeApi, archiver: Archiver, namespace: str, rows: Rows) -> None:
    processings = Collection(admin, namespace, "B")
    with defined(admin, crds.load(crds.BY_SHAPE["B"])):
        due = [processings.create(1), processings.create(2, phase="failed")]
        others = [processings.create(3, hours=1), processings.create(4, phase="enriching")]
        assert succeeded(archiver.run()).counts("found", "archived", "notDue") == [4, 2, 2]
        stored, now = rows.newest(), processings.all()
        assert stored.keys() == {uid(o) for o in due}
        for before in due:
            assert stored[uid(before)]["manifest"] == without_volatile(before)
            assert digest_in_mark(now[uid(before)]) == stored[uid(before)]["digest"]
        assert [now[uid(o)] for o in others] == others
        again = succeeded(archiver.run())
        assert again.counts("already", "notDue") == [2, 2]
        assert not any(again.report["effects"].values())
