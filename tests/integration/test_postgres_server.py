"""The server that all other tests trust: started, reached, stopped, killed."""

import os
import signal
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.postgres import server as server_module
from tests.postgres.binaries import OLDEST, find_installation
from tests.postgres.database import Database, TemplateDatabase
from tests.postgres.errors import AddressInUse, PostgresError
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer
from tests.postgres.sql import execute, value


@pytest.fixture(scope="module", params=["system", "wheel"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server of each kind; where there is only one kind, that one twice."""
    with PostgresServer.start(
        find_installation(request.param),
        parent=memory_folder(),
        settings={"log_line_prefix": r"it's \ %m "},
    ) as running:
        yield running


def test_the_version_is_the_installations_and_recent_enough(server: PostgresServer) -> None:
    number = value(server.superuser_url(), "SELECT current_setting('server_version_num')::int")
    assert isinstance(number, int)
    assert number // 10000 == server.installation.major >= OLDEST


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("wal_level", "replica"),
        ("max_connections", "100"),
        ("listen_addresses", "127.0.0.1"),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("log_line_prefix", r"it's \ %m "),
    ],
)
def test_settings(server: PostgresServer, name: str, expected: str) -> None:
    assert (
        value(server.superuser_url(), sql.SQL("SHOW {}").format(sql.Identifier(name))) == expected
    )


@pytest.mark.parametrize("password", [None, "wrong"])
@pytest.mark.parametrize("way", ["tcp", "socket"])
def test_the_password_is_needed_on_every_way_in(
    server: PostgresServer, way: str, password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    host = str(server.socket_folder) if way == "socket" else "127.0.0.1"
    with pytest.raises(
        psycopg.OperationalError, match=r"no password supplied|authentication failed"
    ):
        value(server.url(password=password, host=host), "SELECT 1")
    assert value(server.superuser_url(host=host), "SELECT 1") == 1


def test_the_password_is_kept_as_scram(server: PostgresServer) -> None:
    stored = value(server.superuser_url(), "SELECT rolpassword FROM pg_authid WHERE rolcanlogin")
    assert str(stored).startswith("SCRAM-SHA-256$")


def test_a_url_carries_any_name_and_password(server: PostgresServer) -> None:
    name, password = "a b/c@d:e?f#g%h&i=ü", "p/ä:@?#%&= '"
    with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(create.format(sql.Identifier(name), sql.Literal(password)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    for host in ("127.0.0.1", str(server.socket_folder)):
        url = server.url(name, name, password, host=host, application_name="x&y z")
        assert value(url, "SELECT current_user") == name
        assert value(url, "SELECT current_database()") == name
        assert value(url, "SHOW application_name") == "x&y z"


def test_a_stopped_server_refuses_and_a_restarted_one_has_its_data(server: PostgresServer) -> None:
    url = server.superuser_url()
    execute(url, "CREATE TABLE stopped AS SELECT 7 AS seven")
    server.stop()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        value(url, "SELECT 1")
    server.restart()
    assert value(url, "SELECT seven FROM stopped") == 7


def test_a_killed_server_recovers_what_was_committed_and_nothing_else(
    server: PostgresServer,
) -> None:
    url = server.superuser_url()
    execute(url, "CREATE TABLE killed (number int); INSERT INTO killed VALUES (1)")
    with psycopg.connect(url) as open_transaction:
        open_transaction.execute("INSERT INTO killed VALUES (2)")
        server.kill()
        server.restart()
        with pytest.raises(psycopg.OperationalError):
            open_transaction.execute("SELECT 1")
    assert value(url, "SELECT array_agg(number) FROM killed") == [1]
    assert "database system was not properly shut down" in server.log.read_text()


def test_a_restart_waits_for_what_a_killed_server_left_running(server: PostgresServer) -> None:
    with psycopg.connect(server.superuser_url()) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # it cannot notice the end of its server, and stays
        threading.Timer(0.5, os.kill, (backend, signal.SIGCONT)).start()
        server.kill()
        server.restart()
    assert value(server.superuser_url(), "SELECT 1") == 1
    assert "pre-existing shared memory block" in server.log.read_text()


def test_clones_start_from_the_template_and_do_not_see_each_other(server: PostgresServer) -> None:
    template = TemplateDatabase.prepare(
        server, lambda url: execute(url, "CREATE TABLE prepared ()"), name="siblings"
    )
    has_table = "SELECT to_regclass('{}') IS NOT NULL"
    with template.clone() as one, template.clone() as other:
        execute(one.owner_url, "CREATE TABLE mine ()")
        assert value(one.owner_url, has_table.format("mine"))
        assert not value(other.owner_url, has_table.format("mine"))
        assert value(one.owner_url, has_table.format("prepared"))
        assert value(other.owner_url, has_table.format("prepared"))
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        value(server.superuser_url("siblings"), "SELECT 1")


def test_a_clone_is_dropped_with_its_connections_open(server: PostgresServer) -> None:
    template = TemplateDatabase.prepare(server, lambda _: None, name="dropped")
    with template.clone() as clone:
        connection = psycopg.connect(clone.owner_url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'dropped\\_%'"
    assert value(server.superuser_url(), left) == 0


@pytest.mark.parametrize("attempt", [1, 2])
def test_the_database_fixture_gives_each_test_its_own(database: Database, attempt: int) -> None:
    execute(database.owner_url, "CREATE TABLE once ()")
    assert value(database.owner_url, "SELECT current_database()") == database.name, attempt


def test_less_durability_only_when_asked_for() -> None:
    with PostgresServer.start(durable=False, parent=memory_folder()) as server:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            assert value(server.superuser_url(), f"SHOW {name}") == "off"


def test_a_port_that_is_taken(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = postgres_server.port
    with (
        pytest.raises(AddressInUse, match=str(taken)),
        PostgresServer.start(port=taken, parent=memory_folder()),
    ):
        pass
    # A free port may be taken between the question and its use: then another one is tried.
    ports = iter([taken, server_module._free_port()])
    monkeypatch.setattr(server_module, "_free_port", lambda: next(ports))
    with PostgresServer.start(parent=memory_folder()) as second:
        assert value(second.superuser_url(), "SELECT 1") == 1


def test_only_the_main_thread_starts_servers(server: PostgresServer) -> None:
    refused: list[PostgresError] = []

    def restart() -> None:
        try:
            server.restart()
        except PostgresError as error:
            refused.append(error)

    thread = threading.Thread(target=restart)
    thread.start()
    thread.join()
    assert "main thread" in str(refused[0])
    assert value(server.superuser_url(), "SELECT 1") == 1
