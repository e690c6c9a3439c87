"""The schema: made by migrations alone, whole or not at all, by everybody who may."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, inspect, text

import archiver.db.migrations
from archiver.db import schema
from archiver.db.engine import connect
from archiver.db.migrate import MigrationReport, check, migrate
from archiver.db.retention import drop
from archiver.db.store import PostgresStore
from archiver.errors import Configuration, Forbidden, Unavailable
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record
from tests.integration.db.snapshot import snapshot
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

GOLDEN = Path(__file__).with_name("schema.golden.txt")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server without any of our roles."""
    with PostgresServer.start(parent=memory_folder()) as server:
        yield server


@pytest.fixture
def empty(server: PostgresServer) -> Iterator[Engine]:
    """An empty database on it."""
    yield from fresh_database(server, "empty")


def fresh_database(server: PostgresServer, name: str, options: str = "") -> Iterator[Engine]:
    execute(server.superuser_url(), f"CREATE DATABASE {name} {options}")
    engine = connect(server.superuser_url(name))
    yield engine
    engine.dispose()
    execute(server.superuser_url(), f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, *statements: str) -> None:
    engine = connect(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_an_empty_database_is_said_to_be_one(empty: Engine) -> None:
    with pytest.raises(Configuration, match="run `archiver migrate`") as caught:
        check(empty)
    assert caught.value.exit_code == 78


# Before the roles are there: the tests of a module run from top to bottom.
def test_who_may_not_create_the_roles_is_told_what_to_run(
    server: PostgresServer, empty: Engine
) -> None:
    execute(server.superuser_url(), "CREATE ROLE plain LOGIN PASSWORD 'plain'")
    execute(server.superuser_url("empty"), "GRANT CREATE ON DATABASE empty TO plain")
    plain = connect(server.url("empty", "plain", "plain"))
    with pytest.raises(Configuration) as caught:
        migrate(plain)
    assert "CREATE ROLE archiver_writer NOLOGIN;" in str(caught.value)
    assert "CREATE ROLE archiver_reader NOLOGIN;" in str(caught.value)
    # With them, the next thing that is missing.
    execute(
        server.superuser_url(),
        "CREATE ROLE archiver_writer NOLOGIN",
        "CREATE ROLE archiver_reader NOLOGIN",
    )
    with pytest.raises(Forbidden, match="permission denied for schema public"):
        migrate(plain)
    with pytest.raises(Configuration, match="no archive"):
        check(empty)
    plain.dispose()
    execute(server.superuser_url("empty"), "DROP OWNED BY plain")
    execute(server.superuser_url(), "DROP ROLE plain, archiver_writer, archiver_reader")


def test_migrating_twice_changes_nothing(empty: Engine) -> None:
    assert migrate(empty) == MigrationReport(before=None, after=schema.HEAD)
    check(empty)
    before = snapshot(empty), identity(empty)
    assert migrate(empty) == MigrationReport(before=schema.HEAD, after=schema.HEAD)
    assert (snapshot(empty), identity(empty)) == before


def identity(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT store_id, s.xmin, v.xmin FROM archive.store s, archive.schema_version v")
        ).one()


def test_many_at_once(server: PostgresServer, empty: Engine) -> None:
    engines = [connect(server.superuser_url("empty")) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(migrate, engines))
    assert sorted(str(report.before) for report in reports) == [schema.HEAD] * 3 + ["None"]
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("nth", [1, 2, 5, 9, 14, 20, 26, 32])
def test_killed_at_any_command_it_is_old_or_new(empty: Engine, nth: int) -> None:
    with empty.begin() as connection:
        connection.exec_driver_sql(f"""
            CREATE SEQUENCE commands;
            CREATE FUNCTION die() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
              IF nextval('public.commands') = {nth} THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
              END IF;
            END $$;
            CREATE EVENT TRIGGER die ON ddl_command_end EXECUTE FUNCTION die();
        """)
    with pytest.raises(Unavailable):
        migrate(empty)
    with empty.connect() as connection:
        assert "archive" not in inspect(connection).get_schema_names()
        assert inspect(connection).get_view_names("public") == []
    assert migrate(empty) == MigrationReport(before=None, after=schema.HEAD)


@pytest.mark.parametrize("version", [f"{int(schema.HEAD) + 1:04}", "9999", "abcdef012345"])
def test_a_newer_schema_is_left_alone(empty: Engine, version: str) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(
            text("UPDATE archive.schema_version SET version_num = :v"), {"v": version}
        )
    refusals: list[Callable[[Engine], object]] = [check, migrate]
    for refuse in refusals:
        with pytest.raises(Configuration, match=f"knows revisions up to {schema.HEAD}"):
            refuse(empty)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM archive.schema_version", "INSERT INTO archive.schema_version VALUES ('0002')"],
    ids=["none", "two"],
)
def test_a_schema_of_no_or_two_revisions_is_no_old_one(empty: Engine, statement: str) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text(statement))
    for act in (check, migrate):
        with pytest.raises(Configuration, match=r"rows instead of one.*restore"):
            act(empty)


def test_an_older_schema_has_to_be_migrated(empty: Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE archive.schema_version SET version_num = '0000'"))
    with pytest.raises(Configuration, match=r"at revision 0000.*run `archiver migrate`"):
        check(empty)


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_an_archive_of_an_earlier_revision_becomes_what_a_new_one_is(
    empty: Engine, revision: str
) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE SCHEMA archive"))
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "archiver.db:migrations")
        command.upgrade(config, revision)
        connection.execute(text("SELECT archive.ensure_month('2021-06-15')"))
    with pytest.raises(Configuration, match=rf"at revision {revision}.*run `archiver migrate`"):
        check(empty)
    assert migrate(empty) == MigrationReport(before=revision, after=schema.HEAD)
    assert snapshot(empty) == GOLDEN.read_text()


def test_a_schema_that_was_made_beforehand_is_used(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE SCHEMA archive"))
    assert migrate(empty).before is None


def test_a_database_of_another_encoding_is_refused(server: PostgresServer) -> None:
    options = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    for engine in fresh_database(server, "ascii", options):
        with pytest.raises(Configuration, match="SQL_ASCII"):
            migrate(engine)


def test_a_server_that_is_too_old_is_refused(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.db.migrate.OLDEST_SERVER", 99)
    with pytest.raises(Configuration, match="PostgreSQL 99 or newer is needed, this is"):
        migrate(empty)


def test_the_owner_of_a_database_needs_no_superuser(server: PostgresServer, empty: Engine) -> None:
    migrate(empty)  # makes the roles
    execute(
        server.superuser_url(),
        "CREATE ROLE keeper LOGIN PASSWORD 'keeper'",
        "CREATE ROLE job LOGIN PASSWORD 'job' IN ROLE archiver_writer",
    )
    for _ in fresh_database(server, "owned", "OWNER keeper"):
        keeper = connect(server.url("owned", "keeper", "keeper"))
        job = connect(server.url("owned", "job", "job"))
        assert migrate(keeper).after == schema.HEAD
        old = record("a", created_at=record().created_at.replace(year=2020))
        assert len(PostgresStore(job).write(Batch("run-1", CLUSTER, [old])).inserted) == 1
        month = old.created_at.date().replace(day=1)
        assert drop(keeper, month).dropped_by == "keeper"
        keeper.dispose()
        job.dispose()
    execute(server.superuser_url(), "DROP ROLE keeper", "DROP ROLE job")


def test_who_does_not_own_the_archive_is_told_who_does(
    owner: Engine, writer: Engine, postgres_server: PostgresServer
) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE tables_owner NOLOGIN"))
        connection.execute(text("ALTER TABLE archive.revision OWNER TO tables_owner"))
    try:
        with pytest.raises(Forbidden, match=r"as tables_owner, who owns archive\.revision: writer"):
            migrate(writer)
        assert migrate(owner).left_out == ()  # a superuser is everybody
    finally:
        with owner.begin() as connection:
            connection.execute(text("ALTER TABLE archive.revision OWNER TO postgres"))
            connection.execute(text("DROP ROLE tables_owner"))


def test_what_only_the_owner_of_the_database_may_set_is_named(
    server: PostgresServer, empty: Engine
) -> None:
    migrate(empty)  # makes the roles
    execute(server.superuser_url(), "CREATE ROLE tenant LOGIN PASSWORD 'tenant'")
    left_out = (
        "ALTER DATABASE shared SET enable_partitionwise_join = on",
        "REVOKE TEMPORARY ON DATABASE shared FROM PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )
    for _ in fresh_database(server, "shared"):
        administrator = server.superuser_url("shared")
        execute(
            administrator,
            "GRANT CREATE ON DATABASE shared TO tenant",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
        )
        tenant = connect(server.url("shared", "tenant", "tenant"))
        assert migrate(tenant).left_out == left_out
        execute(administrator, *left_out)
        assert migrate(tenant).left_out == ()
        tenant.dispose()
    execute(server.superuser_url(), "DROP ROLE tenant")


def test_the_newest_migration_is_the_one_the_code_was_made_for() -> None:
    (folder,) = archiver.db.migrations.__path__
    script = ScriptDirectory(folder)
    assert script.get_heads() == [schema.HEAD]
    history = list(script.walk_revisions())
    assert not any(hasattr(step.module, "downgrade") for step in history)
    # A version that is compared as text.
    assert all(len(step.revision) == 4 and step.revision.isdigit() for step in history)


def test_the_tables_in_the_code_are_those_of_the_migrations(owner: Engine) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        if kind == "schema":
            return name == schema.SCHEMA
        return kind != "table" or not str(name).startswith(("revision_", "schema_version"))

    options = {
        "include_schemas": True,
        "include_name": ours,
        "compare_type": True,
        "compare_server_default": True,
    }
    with owner.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=lambda table: table.name)
def test_so_are_their_checks_and_the_order_of_columns(owner: Engine, table: Any) -> None:
    catalog = inspect(owner)
    checks = {found["name"] for found in catalog.get_check_constraints(table.name, schema.SCHEMA)}
    said = {item.name for item in table.constraints if isinstance(item, CheckConstraint)}
    assert checks == said
    columns = catalog.get_columns(table.name, schema.SCHEMA)
    assert [column["name"] for column in columns] == list(table.c.keys())


def test_functions_views_indexes_and_grants_are_as_reviewed(owner: Engine) -> None:
    """After a wanted change, ARCHIVER_TEST_REVIEWED=1 writes the file anew: review the diff."""
    found = snapshot(owner)
    if os.environ.get("ARCHIVER_TEST_REVIEWED"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()
