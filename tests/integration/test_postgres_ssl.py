"""SSL: built into the server, or in front of one that was built without it (the wheel's)."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgres.binaries import find_installation
from tests.postgres.certificates import ServerCertificate
from tests.postgres.errors import AddressInUse
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer
from tests.postgres.sql import value


@pytest.fixture(scope="module", params=["system", "wheel"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server of each kind with a certificate for "localhost" alone."""
    certificate = ServerCertificate.issue("localhost")
    with PostgresServer.start(
        find_installation(request.param), ssl=certificate, parent=memory_folder()
    ) as running:
        yield running


def verified(server: PostgresServer, host: str, authority: Path) -> str:
    """A URL for a client that trusts this authority only, and looks at the host's name."""
    return server.superuser_url(host=host, sslmode="verify-full", sslrootcert=str(authority))


def test_verify_full(server: PostgresServer) -> None:
    with psycopg.connect(verified(server, "localhost", server.authority)) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_another_authority_is_refused(server: PostgresServer, tmp_path: Path) -> None:
    stranger = tmp_path / "authority.crt"
    stranger.write_bytes(ServerCertificate.issue("localhost").authority)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        value(verified(server, "localhost", stranger), "SELECT 1")


def test_another_host_name_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        value(verified(server, "127.0.0.1", server.authority), "SELECT 1")


def test_a_client_may_do_without(server: PostgresServer) -> None:
    with psycopg.connect(server.superuser_url(sslmode="disable")) as connection:
        assert not connection.pgconn.ssl_in_use


def test_more_passes_through_than_any_buffer_holds(server: PostgresServer) -> None:
    url = verified(server, "localhost", server.authority)
    with psycopg.connect(url) as connection:
        sent = b"x" * 20_000_000
        row = connection.execute("SELECT %s::bytea", [sent], binary=True).fetchone()
        assert row is not None
        assert row[0] == sent


def test_a_query_can_be_cancelled(server: PostgresServer) -> None:
    # A cancel request is a connection of its own, with other first bytes.
    url = verified(server, "localhost", server.authority)
    with psycopg.connect(url, autocommit=True) as connection:
        over = threading.Event()

        def cancel() -> None:
            # Again and again: a request that comes before the query cancels nothing.
            while not over.wait(0.2):
                connection.cancel_safe()

        cancelling = threading.Thread(target=cancel)
        cancelling.start()
        try:
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(30)")
        finally:
            over.set()
            cancelling.join()


def test_a_stopped_server_ends_its_connections_and_comes_back(server: PostgresServer) -> None:
    url = verified(server, "localhost", server.authority)
    with psycopg.connect(url) as connection:
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        value(url, "SELECT 1")
    server.restart()
    assert value(url, "SELECT 1") == 1


def test_a_connection_left_open_does_not_hold_the_end_up() -> None:
    wheel = find_installation("wheel")
    with PostgresServer.start(wheel, ssl=ServerCertificate.issue()) as ending:
        connection = psycopg.connect(verified(ending, "localhost", ending.authority))
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_a_port_that_is_taken(postgres_server: PostgresServer) -> None:
    wheel, taken = find_installation("wheel"), postgres_server.port
    with (
        pytest.raises(AddressInUse, match=str(taken)),
        PostgresServer.start(wheel, ssl=ServerCertificate.issue(), port=taken),
    ):
        pass
