"""docs/operations.md, "Restore": marks promise rows that a restored database lacks."""

import psycopg

from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi
from tests.e2e.node.conftest import YEARLY
from tests.e2e.node.documented import carried_out, commands
from tests.e2e.node.installed import Installed
from tests.e2e.node.settled import assert_settled, revisions
from tests.e2e.run.objects import Collection, uid
from tests.e2e.waiting import eventually

ELSEWHERE = '{"data": {"ARCHIVER_DATABASE_URL": "postgresql://archiver@lost.example/audit"}}'


def test_rows_that_a_backup_lacks_are_stored_anew(
    unscheduled: Installed, processings: Collection, url: str, admin: KubeApi
) -> None:
    due = processings.create_all(range(20))
    assert unscheduled.run("before-the-loss") == "Complete"
    assert_settled(url, processings, due)
    with psycopg.connect(url) as connection:
        lost = [uid(resource) for resource in due[5:]]
        connection.execute("DELETE FROM archive.revision WHERE uid = ANY(%s)", [lost])
    assert len(revisions(url, due)) == 5
    # As it is in the cluster; what is applied names the one that was restored.
    unscheduled.ask("patch", "configmap", "archiver", "--patch", ELSEWHERE)
    path = f"{processings.path}/{due[-1]['metadata']['name']}"
    assert admin.send("DELETE", path, query=DRY_RUN).ok
    steps = commands("docs/operations.md", "Restore")
    (closed,) = (step for step in steps if "validatingadmissionpolicy" in step)
    for step in carried_out(unscheduled, steps):
        # Nobody lets the schedule go on before the end, by applying it anew for one.
        schedule = unscheduled.get("cronjob", "archiver")["spec"]
        assert schedule["schedule"] == YEARLY
        assert schedule["suspend"] == (step not in (closed, steps[-1]))
        if step == closed:
            eventually(lambda: admin.send("DELETE", path, query=DRY_RUN).is_policys)
    assert_settled(url, processings, due)
    # The guard believes marks again, and nothing else.
    eventually(lambda: admin.send("DELETE", path, query=DRY_RUN).ok)
    unmarked = processings.create(100)
    path = f"{processings.path}/{unmarked['metadata']['name']}"
    assert admin.send("DELETE", path, query=DRY_RUN).is_policys
    assert unscheduled.run("after-the-restore") == "Complete"
