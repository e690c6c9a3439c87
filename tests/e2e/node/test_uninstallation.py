"""docs/operations.md, "Uninstall": nothing that the guard holds may go unarchived with it."""

from collections.abc import Mapping

from tests.e2e.deploy.kube_api import KubeApi, Object, path_of
from tests.e2e.node.documented import carried_out, commands
from tests.e2e.node.installed import LIMIT, Installed
from tests.e2e.node.settled import revisions
from tests.e2e.run.objects import Collection, uid
from tests.e2e.waiting import eventually
from tests.manifests import BACKFILL, everything
from tests.resources import remediation_request


def _rows(url: str, resources: list[Object]) -> Mapping[str, int]:
    return {who: count for who, (count, _) in revisions(url, resources).items()}


def test_what_the_guard_holds_is_archived_before_the_guard_goes(
    uninstallable: Installed, processings: Collection, url: str, admin: KubeApi
) -> None:
    # A Job of an earlier backfill, which another apply leaves as it is.
    uninstallable.kubectl("apply", "-k", uninstallable.overlays[BACKFILL])
    assert uninstallable.ended("archiver-backfill") == "Complete"
    parents = [remediation_request(f"rr-{n}", processings.namespace) for n in range(20)]
    stored = [admin.apply(parent).body for parent in parents]
    held = [processings.create(n, hours=1, parent=parent) for n, parent in enumerate(stored)]
    assert all(admin.send("DELETE", path_of(parent)).ok for parent in parents)
    assert processings.all().keys() == (archived := {uid(child): 1 for child in held}).keys()
    # As after ten minutes: it has removed itself.
    uninstallable.delete("archiver-migrate")
    for step in carried_out(uninstallable, commands("docs/operations.md", "Uninstall")):
        if step[:2] == ["delete", "-k"]:
            assert _rows(url, held) == archived, step
    # Nothing is in the garbage collector's way any more.
    eventually(lambda: not processings.all(), LIMIT)
    assert _rows(url, held) == archived
    left = [path for path in map(path_of, everything()) if admin.send("GET", path).ok]
    assert left == []
