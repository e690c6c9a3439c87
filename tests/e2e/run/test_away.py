"""Servers that do not answer: exit 75, and nothing that is not so is said."""

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.controlplane import ControlPlane
from tests.e2e.run.command import Archiver, finish, succeeded
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.same_on_all_releases("nobody answers, whatever its release would be")


def test_the_database(
    archiver: Archiver, processings: Collection, postgres_server: PostgresServer
) -> None:
    resource = processings.create(1)
    postgres_server.stop()
    try:
        done = archiver.run()
    finally:
        postgres_server.restart()
    assert done.code == 75, done.err
    assert done.counts("archived") == [0]
    assert not is_marked(processings.get(resource))
    assert succeeded(archiver.run()).counts("archived") == [1]


def test_the_api_server(archiver: Archiver, rows: Rows, tmp_path: Path) -> None:
    content = yaml.safe_load(archiver.kubeconfig.read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    # Its patience alone would be a minute.
    short = {"ARCHIVER_DEADLINE": "2s", "ARCHIVER_GRACE": "1s"}
    done = replace(archiver, kubeconfig=kubeconfig, environment=short).run()
    assert done.code == 75, done.err
    assert done.report["error"]
    assert rows.everything() == []


# Small pages, so that it takes a second to store them, and so few marks a second that they take
# longer than the grace.
MANY = 300
PAGE = 2
SLOWLY = {"ARCHIVER_PAGE_SIZE": str(PAGE), "ARCHIVER_MAX_MARKS_PER_SECOND": "10"}


def begun(archiver: Archiver, rows: Rows, **more: str) -> subprocess.Popen[str]:
    """A run that has committed its first pages and has others before it."""
    process = replace(archiver, environment=SLOWLY | more).start()
    eventually(lambda: 10 <= rows.revisions() < MANY)
    return process


def is_whole(archiver: Archiver, processings: Collection, rows: Rows) -> bool:
    """Whether no mark is without its row; and one more run leaves each with one row, and marked."""
    stored = {str(each) for each in rows.newest()}
    marked = {name for name, each in processings.all().items() if is_marked(each)}
    assert marked <= stored
    assert len(stored) % PAGE == 0
    succeeded(archiver.run())
    return rows.revisions() == MANY and all(map(is_marked, processings.all().values()))


def test_the_run_is_told_to_end_in_its_middle(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    processings.create_all(range(MANY), context_bytes=0)
    process = begun(archiver, rows)
    process.terminate()
    done = finish(process)
    assert done.code == 75, done.err
    assert is_whole(archiver, processings, rows)


def test_the_database_goes_in_the_middle(
    archiver: Archiver, processings: Collection, rows: Rows, postgres_server: PostgresServer
) -> None:
    processings.create_all(range(MANY), context_bytes=0)
    process = begun(archiver, rows, ARCHIVER_DEADLINE="15s", ARCHIVER_GRACE="2s")
    postgres_server.kill()
    try:
        done = finish(process)
    finally:
        postgres_server.restart()
    assert done.code == 75, done.err
    assert sum(done.report["counts"].values()) == 2 * done.report["counts"]["found"]
    assert is_whole(archiver, processings, rows)


def test_the_database_forgets_what_waits_for_its_mark(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    """As after a failover to a standby that lacks the last commits."""
    due = processings.create_all(range(130), context_bytes=0)
    slowly = {"ARCHIVER_PAGE_SIZE": "10", "ARCHIVER_MAX_MARKS_PER_SECOND": "3"}
    process = replace(archiver, environment=slowly).start()
    eventually(lambda: rows.revisions() == len(due))
    rows.execute("""
        DELETE FROM archive.revision
        WHERE name = (SELECT max(name COLLATE "C") FROM archive.revision)
    """)
    done = finish(process)
    assert done.code == 65, done.err
    assert "failover" in done.report["error"]
    (lost,) = processings.all().keys() - rows.newest().keys()
    marked = {name for name, each in processings.all().items() if is_marked(each)}
    assert 0 < len(marked) < len(due)
    assert lost not in marked
    assert succeeded(archiver.run()).effects("inserted", "marked") == [1, len(due) - len(marked)]
    assert rows.revisions() == len(due)
    assert all(map(is_marked, processings.all().values()))


@pytest.mark.needs_control_plane_processes("stops the API server")
def test_the_api_server_goes_in_the_middle(
    archiver: Archiver, processings: Collection, rows: Rows, control_plane: ControlPlane
) -> None:
    processings.create_all(range(MANY), context_bytes=0)
    process = begun(archiver, rows, ARCHIVER_DEADLINE="15s", ARCHIVER_GRACE="2s")
    control_plane.stop_apiserver()
    try:
        done = finish(process)
    finally:
        control_plane.start_apiserver()
    assert done.code == 75, done.err
    assert sum(done.report["counts"].values()) == 2 * done.report["counts"]["found"]
    assert is_whole(archiver, processings, rows)


@pytest.mark.needs_control_plane_processes("stops the API server")
def test_the_api_server_comes_back_in_the_middle(
    archiver: Archiver, processings: Collection, rows: Rows, control_plane: ControlPlane
) -> None:
    """Until it knows its RBAC rules it refuses everybody, and that is no missing right."""
    processings.create_all(range(MANY), context_bytes=0)
    process = begun(archiver, rows, ARCHIVER_MAX_MARKS_PER_SECOND="60")
    control_plane.stop_apiserver()
    control_plane.start_apiserver()
    done = finish(process)
    assert done.code == 0, done.err
    assert done.counts("archived") == [MANY]
    assert is_whole(archiver, processings, rows)
