"""Two runs, of which the one that read first writes last."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.e2e.run.command import Archiver, finish, succeeded
from tests.e2e.run.objects import Collection, digest_in_mark, uid
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually

_WAITING = """
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE NOT granted AND datname = current_database() AND relation = 'archive.revision'::regclass
"""


@contextmanager
def insertions_held_up(rows: Rows) -> Iterator[psycopg.Connection]:
    """Reading goes on; whoever wants to insert waits. Another connection, to look at them."""
    with psycopg.connect(rows.url) as holder, psycopg.connect(rows.url, autocommit=True) as looker:
        holder.execute("LOCK TABLE archive.revision IN SHARE MODE")
        yield looker


def one_waits(looker: psycopg.Connection) -> bool:
    """Whether somebody stands in the queue for that lock."""
    return looker.execute(_WAITING).rowcount == 1


@pytest.mark.parametrize("archived_before", [False, True])
def test_the_older_read_does_not_become_the_newest_revision(
    archiver: Archiver, processings: Collection, rows: Rows, archived_before: bool
) -> None:
    resource = processings.create(1)
    if archived_before:
        succeeded(archiver.run())
        routing = {**resource["status"], "message": "once more"}
        resource = processings.write_status(processings.get(resource), routing)
    earlier = rows.revisions()
    with insertions_held_up(rows) as looker:
        slower = archiver.start()
        eventually(lambda: one_waits(looker))
        slower.send_signal(signal.SIGSTOP)
    changed = {**resource["status"], "phase": "Failed", "message": "routing was refused"}
    processings.write_status(processings.get(resource), changed)
    faster = succeeded(archiver.run())
    assert faster.counts("archived") == [1]
    slower.send_signal(signal.SIGCONT)
    done = succeeded(finish(slower))
    # It read the object again, and found nothing to add.
    assert done.effects("inserted", "revised") == [0, 0]
    assert rows.revisions() == earlier + 1
    row = rows.newest()[uid(resource)]
    assert row["manifest"]["status"] == changed
    assert digest_in_mark(processings.get(resource)) == row["digest"]
    assert succeeded(archiver.run()).counts("already") == [1]
