"""What would fail later, or would not be durable, is said before anything is listed."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import Engine, text

from archiver.db.deadline import Limit
from archiver.db.engine import connect
from archiver.db.migrate import migrate
from archiver.db.preflight import preflight
from archiver.errors import Configuration, Forbidden, Unavailable
from tests.postgres.database import Database
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

RIGHTS = {
    "SELECT ON archive.revision": "SELECT on archive.revision",
    "INSERT ON archive.revision": "INSERT on archive.revision",
    "INSERT ON archive.batch": "INSERT on archive.batch",
    "INSERT ON archive.quarantine": "INSERT on archive.quarantine",
    "SELECT ON archive.store": "SELECT on archive.store",
    "SELECT ON archive.schema_version": "SELECT on archive.schema_version",
    "USAGE ON SCHEMA archive": "USAGE on schema archive",
    "EXECUTE ON FUNCTION archive.ensure_month": "EXECUTE on function archive.ensure_month",
    "EXECUTE ON FUNCTION archive.json_form_of": "EXECUTE on function archive.json_form_of",
}


_SOMEBODY_WAITS = text("""
    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")


def refuses(engine: Engine, match: str, *, writes: bool = True) -> Configuration:
    engine.dispose()  # settings of a role or a database count from the next connection on
    with pytest.raises(Configuration, match=match) as caught:
        preflight(engine, writes=writes)
    return caught.value


def run(owner: Engine, *statements: str) -> None:
    with owner.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_all_is_well(writer: Engine, reader: Engine) -> None:
    preflight(writer, writes=True)
    preflight(writer, writes=False)
    preflight(reader, writes=False)


@pytest.mark.parametrize(("right", "named"), RIGHTS.items(), ids=RIGHTS.keys())
def test_a_missing_right_is_named(writer: Engine, owner: Engine, right: str, named: str) -> None:
    run(owner, f"REVOKE {right} FROM archiver_writer")
    error = refuses(writer, re.escape(named))
    assert isinstance(error, Forbidden)
    assert "writer lacks" in str(error)
    assert str(error).count(" on ") == 1, error
    # It is a member: the role is what has to be mended, and the error says how.
    assert "GRANT archiver_writer TO" not in str(error)
    (remedy,) = re.findall(r"GRANT \S+ ON .* TO archiver_writer", str(error))
    run(owner, remedy)
    preflight(writer, writes=True)


def test_a_table_that_is_locked_is_waited_for_until_the_run_is_told_to_end(
    writer: Engine, owner: Engine
) -> None:
    told = Event()
    with owner.begin() as locking:
        locking.execute(text("LOCK TABLE archive.revision"))
        asked = ThreadPoolExecutor(1).submit(
            lambda: preflight(writer, writes=True, limit=Limit(3600, told.is_set))
        )
        while not locking.scalar(_SOMEBODY_WAITS):
            assert not asked.done()
        told.set()
        with pytest.raises(Unavailable, match=r"it was told to end.* pg_locks"):
            asked.result()


def test_all_missing_rights_are_named_at_once(reader: Engine) -> None:
    error = refuses(reader, "INSERT on archive.batch, INSERT on archive.quarantine")
    assert "GRANT archiver_writer TO reader" in str(error)


@pytest.mark.parametrize("writes", [True, False])
def test_no_schema(postgres_server: PostgresServer, writes: bool) -> None:
    engine = connect(postgres_server.superuser_url("postgres"))
    refuses(engine, "run `archiver migrate`", writes=writes)
    engine.dispose()


def test_a_newer_schema(writer: Engine, owner: Engine) -> None:
    run(owner, "UPDATE archive.schema_version SET version_num = '0042'")
    refuses(writer, "knows revisions up to", writes=False)


def test_a_missing_table_or_column(writer: Engine, owner: Engine) -> None:
    run(owner, "DROP VIEW alert_processing_audit", "ALTER TABLE archive.revision DROP COLUMN flags")
    # The schema is current by its number: a migration would find nothing to do.
    error = refuses(writer, r"flags.*changed by hand")
    assert "archiver migrate" not in str(error)
    back = "ALTER TABLE archive.revision ADD COLUMN flags text[] NOT NULL DEFAULT '{}'"
    run(owner, back, "DROP TABLE archive.batch")
    assert "archiver migrate" not in str(refuses(writer, r"batch.*changed by hand"))


def test_a_role_that_was_never_granted(writer: Engine, owner: Engine) -> None:
    run(owner, "REVOKE archiver_writer FROM writer")
    try:
        assert "GRANT archiver_writer TO writer" in str(refuses(writer, "writer lacks"))
    finally:
        run(owner, "GRANT archiver_writer TO writer")


@pytest.mark.parametrize(
    "setting", ["synchronous_commit = off", "default_transaction_read_only = on"]
)
def test_a_setting_of_the_role(
    postgres_server: PostgresServer, database: Database, owner: Engine, setting: str
) -> None:
    run(
        owner,
        "DROP ROLE IF EXISTS weak",
        "CREATE ROLE weak LOGIN PASSWORD 'weak' IN ROLE archiver_writer",
        f"ALTER ROLE weak SET {setting}",
    )
    weak = connect(postgres_server.url(database.name, "weak", "weak"))
    refuses(weak, "read-only" if "read_only" in setting else "synchronous_commit=off")
    preflight(weak, writes=False)
    if "read_only" not in setting:
        preflight(weak, writes=True, allow_weak_durability=True)
    weak.dispose()


@pytest.mark.parametrize("table", ["revision", "quarantine"])
def test_row_level_security(writer: Engine, reader: Engine, owner: Engine, table: str) -> None:
    run(owner, f"ALTER TABLE archive.{table} ENABLE ROW LEVEL SECURITY")
    remedy = f"ALTER TABLE archive.{table} DISABLE ROW LEVEL SECURITY"
    for engine, writes in ((writer, True), (reader, False)):
        assert remedy in str(refuses(engine, f"hide rows of archive.{table}", writes=writes))
    preflight(owner, writes=True)
    run(owner, remedy)
    preflight(writer, writes=True)


def test_an_unlogged_table(writer: Engine, owner: Engine) -> None:
    run(owner, "ALTER TABLE archive.batch SET UNLOGGED")
    refuses(writer, "archive.batch is UNLOGGED")


@pytest.fixture(scope="module")
def careless() -> Iterator[PostgresServer]:
    with PostgresServer.start(durable=False, parent=memory_folder()) as server:
        yield server


def test_a_server_that_does_not_sync(careless: PostgresServer) -> None:
    engine = connect(careless.superuser_url())
    migrate(engine)
    error = refuses(engine, "fsync=off")
    assert "full_page_writes=off" in str(error)
    preflight(engine, writes=True, allow_weak_durability=True)
    engine.dispose()


def test_a_standby(careless: PostgresServer) -> None:
    engine = connect(careless.superuser_url())
    migrate(engine)
    careless.stop()
    signal = careless.log.parent / "data" / "standby.signal"
    signal.touch()
    careless.restart()
    refuses(engine, "standby.*primary")
    preflight(engine, writes=False)
    engine.dispose()
