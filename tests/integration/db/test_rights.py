"""The writer inserts and reads; the reader reads; neither does anything else."""

import pytest
from sqlalchemy import Engine, text

from archiver.db.failures import translated
from archiver.db.migrate import migrate
from archiver.db.store import PostgresStore
from archiver.errors import Forbidden
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record

INSERT = "INSERT INTO archive.store DEFAULT VALUES"
FORBIDDEN_TO_BOTH = {
    "update": "UPDATE archive.revision SET environment = 'x'",
    "update of a partition": "UPDATE archive.revision_202401 SET environment = 'x'",
    "delete": "DELETE FROM archive.revision",
    "delete of a batch": "DELETE FROM archive.batch",
    "update of the quarantine": "UPDATE archive.quarantine SET reason = 'x'",
    "truncate": "TRUNCATE archive.revision",
    "drop": "DROP TABLE archive.revision",
    "insert into the store": INSERT,
    "direct insert into a partition": "INSERT INTO archive.revision_202401 DEFAULT VALUES",
    "disable triggers": "ALTER TABLE archive.revision DISABLE TRIGGER ALL",
    "detach a month": "ALTER TABLE archive.revision DETACH PARTITION archive.revision_202401",
    "create a table": "CREATE TABLE archive.mine (a int)",
    "create a table in public": "CREATE TABLE public.mine (a int)",
    "create a temporary table": "CREATE TEMPORARY TABLE mine (a int)",
    "create a schema": "CREATE SCHEMA mine",
    "change the version": "UPDATE archive.schema_version SET version_num = '9999'",
    "insert through the view": "INSERT INTO alert_processing_audit (uid) VALUES ('x')",
    "replication role": "SET session_replication_role = replica",
}


@pytest.fixture(autouse=True)
def january(owner: Engine) -> None:
    migrate(owner)  # the rights on the database itself, which a copy has not got
    with owner.begin() as connection:
        connection.execute(text("SELECT archive.ensure_month('2024-01-15')"))


def is_forbidden(engine: Engine, statement: str) -> None:
    with (
        pytest.raises(Forbidden, match="42501"),
        translated(engine),
        engine.connect() as connection,
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize("statement", FORBIDDEN_TO_BOTH.values(), ids=FORBIDDEN_TO_BOTH.keys())
def test_neither_may(writer: Engine, reader: Engine, statement: str) -> None:
    is_forbidden(writer, statement)
    is_forbidden(reader, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT archive.ensure_month(now())",
        "INSERT INTO archive.revision DEFAULT VALUES",
        "INSERT INTO archive.batch DEFAULT VALUES",
        "INSERT INTO archive.quarantine DEFAULT VALUES",
    ],
)
def test_the_reader_may_not(reader: Engine, statement: str) -> None:
    is_forbidden(reader, statement)


def test_the_reader_reads(reader: Engine, store: PostgresStore) -> None:
    store.write(Batch("run-1", CLUSTER, [record()]))
    with reader.connect() as connection:
        row = connection.execute(text("SELECT * FROM alert_processing_audit")).mappings().one()
        assert row["manifest"]["spec"] == {"body": "first"}
        for table in ("revision", "batch", "quarantine", "store", "schema_version"):
            connection.execute(text(f"SELECT * FROM archive.{table}"))  # noqa: S608


def test_the_roles_own_nothing_and_are_nobody_special(owner: Engine) -> None:
    with owner.connect() as connection:
        special = connection.execute(
            text("""
            SELECT rolname FROM pg_roles WHERE rolname IN ('archiver_writer', 'archiver_reader')
            AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication
                 OR rolcanlogin OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid))
            """)
        )
        assert special.all() == []


def test_a_missing_right_is_named(store: PostgresStore, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("REVOKE INSERT ON archive.revision FROM archiver_writer"))
    with pytest.raises(Forbidden, match=r"permission denied for table revision.*user writer"):
        store.write(Batch("run-1", CLUSTER, [record()]))
