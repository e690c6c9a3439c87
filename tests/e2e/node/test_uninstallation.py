"""docs/operations.md, "Uninstall": nothing that the guard holds may go unarchived with it."""

from collections.abc import Mapping

from tests.e2e.deploy.kube_api import KubeApi, Object, path_of
from tests.e2e.node.documented import asks_for_a_job, carried_out, commands
from tests.e2e.node.installed import LIMIT, Installed
from tests.e2e.node.settled import revisions
from tests.e2e.run.objects import Collection, uid
from tests.e2e.waiting import eventually
from tests.manifests import BACKFILL, everything

PARENTS = "/apis/remediation.kubernaut.io/v1alpha1/namespaces/{}/remediationrequests"


def _child(processings: Collection, admin: KubeApi, seed: int) -> Object:
    """A resource that goes with its parent, as Kubernaut's do."""
    of = {"apiVersion": "remediation.kubernaut.io/v1alpha1", "kind": "RemediationRequest"}
    body = {**of, "metadata": {"name": f"parent-{seed}"}, "spec": {}}
    parent = admin.send("POST", PARENTS.format(processings.namespace), body)
    assert parent.ok, parent.message
    child = processings.create(seed, hours=1)
    owner = {**of, "name": f"parent-{seed}", "uid": uid(dict(parent.body)), "controller": True}
    path = f"{processings.path}/{child['metadata']['name']}"
    assert admin.merge(path, {"metadata": {"ownerReferences": [owner]}}).ok
    return child


def _rows(url: str, resources: list[Object]) -> Mapping[str, int]:
    return {who: count for who, (count, _) in revisions(url, resources).items()}


def test_what_the_guard_holds_is_archived_before_the_guard_goes(
    uninstallable: Installed, processings: Collection, url: str, admin: KubeApi
) -> None:
    # A Job of an earlier backfill, which another apply leaves as it is.
    uninstallable.kubectl("apply", "-k", uninstallable.overlays[BACKFILL])
    assert uninstallable.ended("archiver-backfill") == "Complete"
    held = [_child(processings, admin, seed) for seed in range(20)]
    for seed in range(20):
        path = f"{PARENTS.format(processings.namespace)}/parent-{seed}"
        assert admin.send("DELETE", path).ok
    assert processings.all().keys() == (archived := {uid(child): 1 for child in held}).keys()
    # As after ten minutes: it has removed itself.
    uninstallable.delete("archiver-migrate")
    for step, printed in carried_out(uninstallable, commands("docs/operations.md", "Uninstall")):
        assert not asks_for_a_job(step) or "Complete" in printed.split(), printed
        if step[:2] == ["delete", "-k"]:
            assert _rows(url, held) == archived, step
    # Nothing is in the garbage collector's way any more.
    eventually(lambda: not processings.all(), LIMIT)
    assert _rows(url, held) == archived
    left = [path for path in map(path_of, everything()) if admin.send("GET", path).ok]
    assert left == []
