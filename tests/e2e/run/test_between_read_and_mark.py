"""What happens to an object, or to the process, after the row and before the mark."""

import signal
from dataclasses import replace
from itertools import count

import pytest

from tests.e2e.deploy.kube_api import Object
from tests.e2e.run.command import Archiver, finish, succeeded
from tests.e2e.run.mutating import changed_within
from tests.e2e.run.objects import Collection, digest_in_mark, is_marked, uid
from tests.e2e.run.rows import Rows
from tests.e2e.run.slow_marks import slow_marks
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.needs_control_plane_processes(
    "the API server asks a socket of this machine's loopback"
)

SEVERITY = "/spec/signal/severity"


@pytest.fixture
def resource(processings: Collection) -> Object:
    """One that is due."""
    return processings.create(1)


def test_killed_after_the_commit(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    processings.create_all(range(5))
    with slow_marks(processings, "Fail") as held:
        process = archiver.start()
        # What is on its way to the API server may still be made, whoever has sent it.
        eventually(lambda: held() == 5)
        assert rows.revisions() == 5
        process.kill()
        assert finish(process).code == -signal.SIGKILL
    assert not any(map(is_marked, processings.all().values()))
    clean = succeeded(archiver.run())
    assert clean.counts("archived") == [5]
    assert clean.effects("inserted", "revised", "marked") == [0, 0, 5]
    assert rows.revisions() == 5
    stored = rows.newest()
    assert all(digest_in_mark(o) == stored[u]["digest"] for u, o in processings.all().items())


def test_told_to_stop(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    many = 200
    processings.create_all(range(many), context_bytes=0)
    # A transaction for each, so that the list goes on for seconds; nothing of it waits for marks.
    slowly = {"ARCHIVER_PAGE_SIZE": "1", "ARCHIVER_GRACE": "60s", "ARCHIVER_WORKERS": "64"}
    with slow_marks(processings, "Ignore"):
        process = replace(archiver, environment=slowly).start()
        eventually(lambda: rows.revisions() >= 2)
        process.terminate()
        stopped = finish(process)
    assert stopped.code == 75, stopped.err
    stored = rows.newest().keys()
    assert 2 <= len(stored) < many
    # What was confirmed before the signal is marked in the grace.
    assert stopped.counts("found", "archived") == [len(stored)] * 2
    assert {name for name, o in processings.all().items() if is_marked(o)} == stored
    rest = succeeded(archiver.run())
    assert rest.counts("already", "archived") == [len(stored), many - len(stored)]


def test_the_status_changes(
    archiver: Archiver, processings: Collection, rows: Rows, resource: Object
) -> None:
    with slow_marks(processings, "Ignore"):
        process = archiver.start()
        eventually(lambda: rows.revisions() == 1)
        processings.write_status(resource, {**resource["status"], "phase": "Failed"})
    done = succeeded(finish(process))
    assert done.counts("found", "archived") == [1, 1]
    assert done.effects("inserted", "revised", "reRead", "marked") == [1, 1, 1, 1]
    row = rows.newest()[uid(resource)]
    assert (row["revision"], row["manifest"]["status"]["phase"]) == (1, "Failed")
    assert digest_in_mark(processings.get(resource)) == row["digest"]


def test_the_mark_itself_changes_more_than_the_mark(
    archiver: Archiver, processings: Collection, rows: Rows, resource: Object
) -> None:
    """Admission does, within the very same request."""
    with changed_within(processings, SEVERITY, lambda: "touched"):
        done = succeeded(archiver.run())
    assert done.counts("found", "archived") == [1, 1]
    assert done.effects("inserted", "revised", "reRead", "marked") == [1, 1, 1, 1]
    row, held = rows.newest()[uid(resource)], processings.get(resource)
    assert held["spec"]["signal"]["severity"] == "touched"
    assert row["manifest"]["spec"] == held["spec"]
    assert digest_in_mark(held) == row["digest"]
    again = succeeded(archiver.run())
    assert again.counts("already") == [1]
    assert rows.revisions() == 2


def test_each_mark_changes_it_anew(
    archiver: Archiver, processings: Collection, rows: Rows, resource: Object
) -> None:
    """No mark of it is ever true, and no run says it was."""
    values = map(str, count())
    with changed_within(processings, SEVERITY, lambda: next(values)):
        done = archiver.run()
        assert (done.code, done.counts("found", "deferred")) == (75, [1, 1])
    last = succeeded(archiver.run())
    assert last.counts("archived") == [1]
    assert digest_in_mark(processings.get(resource)) == rows.newest()[uid(resource)]["digest"]


def test_it_is_deleted(
    archiver: Archiver, processings: Collection, rows: Rows, resource: Object
) -> None:
    with slow_marks(processings, "Ignore"):
        process = archiver.start()
        eventually(lambda: rows.revisions() == 1)
        processings.empty()
    assert succeeded(finish(process)).counts("found", "archived", "gone") == [1, 0, 1]
    assert rows.newest().keys() == {uid(resource)}


def test_it_is_deleted_after_a_later_state(
    archiver: Archiver, processings: Collection, rows: Rows, resource: Object
) -> None:
    """Whether it had said the first state again meanwhile, nobody can tell any more."""
    succeeded(archiver.run())
    processings.write_status(processings.get(resource), {**resource["status"], "phase": "Failed"})
    with slow_marks(processings, "Ignore"):
        process = archiver.start()
        eventually(lambda: rows.revisions() == 2)
        processings.empty()
    done = finish(process)
    assert done.code == 1, done.err
    assert done.counts("found", "gone") == [1, 1]
    assert [problem["reason"] for problem in done.report["problems"]] == ["last-state-unknown"]
    assert rows.newest()[uid(resource)]["manifest"]["status"]["phase"] == "Failed"


def test_another_one_takes_its_name(
    archiver: Archiver, processings: Collection, rows: Rows, resource: Object
) -> None:
    with slow_marks(processings, "Ignore"):
        process = archiver.start()
        eventually(lambda: rows.revisions() == 1)
        processings.empty()
        another = processings.create(1, hours=1)
    assert finish(process).code == 0
    assert not is_marked(processings.get(another))
    assert rows.newest().keys() == {uid(resource)}
