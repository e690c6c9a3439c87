"""Whatever goes wrong between here and the server leaves as an error of the archiver's tree."""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, exc, text

from archiver.db.archive import find
from archiver.db.engine import connect
from archiver.db.failures import translate, translated
from archiver.db.migrate import check
from archiver.db.patience import Patience
from archiver.db.store import PostgresStore
from archiver.errors import ArchiverError, Configuration, Forbidden, Integrity, Unavailable
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record
from tests.postgres.certificates import ServerCertificate
from tests.postgres.database import Database
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

CANARY = "c4n4ry-passw0rd"


@pytest.fixture(scope="module")
def tls_server() -> Iterator[PostgresServer]:
    certificate = ServerCertificate.issue("localhost")
    with PostgresServer.start(ssl=certificate, parent=memory_folder()) as server:
        yield server


def failure_of(url: str, password_file: str | None = None) -> ArchiverError:
    engine = connect(url, password_file=password_file)
    with pytest.raises(ArchiverError) as caught:
        check(engine)
    engine.dispose()
    shown = "".join(traceback.format_exception(caught.value)) + repr(engine) + repr(caught.value)
    assert CANARY not in shown
    return caught.value


def test_a_password_from_a_file_is_read_again_for_every_connection(
    postgres_server: PostgresServer, database: Database, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("writer\n")
    engine = connect(postgres_server.url(database.name, "writer"), password_file=str(secret))
    check(engine)
    engine.dispose()
    secret.write_text(CANARY)
    with pytest.raises(Configuration):
        check(engine)
    engine.dispose()


@pytest.mark.parametrize("style", ["German, DMY", "SQL, MDY", "Postgres, DMY"])
def test_a_database_whose_dates_are_written_in_another_way(
    owner: Engine, writer_url: str, database: Database, style: str
) -> None:
    with owner.begin() as connection:
        connection.execute(text(f"ALTER DATABASE \"{database.name}\" SET datestyle = '{style}'"))
    engine = connect(writer_url)
    store = PostgresStore(engine)
    written = store.write(Batch("run", CLUSTER, [record()]))
    [one] = find(engine, "rp-1")
    engine.dispose()
    assert written.inserted == {one.uid: 0}


def test_a_wrong_password(postgres_server: PostgresServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(CANARY)
    error = failure_of(postgres_server.url("postgres", "writer"), str(secret))
    assert type(error) is Configuration
    assert "password authentication failed" in str(error)


def test_a_wrong_password_in_the_url_is_not_shown_either(
    postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = failure_of(postgres_server.url("postgres", "writer", CANARY))
    assert type(error) is Configuration
    assert CANARY not in caplog.text


def test_no_such_database(postgres_server: PostgresServer) -> None:
    error = failure_of(postgres_server.superuser_url("nowhere"))
    assert type(error) is Configuration
    assert '"nowhere" does not exist; see the database\'s name in the database URL' in str(error)


def test_nobody_listens() -> None:
    error = failure_of("postgresql://writer@127.0.0.1:1/archive")
    assert type(error) is Unavailable
    assert "127.0.0.1:1/archive" in str(error)


def test_no_such_socket(tmp_path: Path) -> None:
    assert type(failure_of(f"postgresql:///archive?host={tmp_path}")) is Unavailable


def test_no_such_host() -> None:
    error = failure_of("postgresql://writer@no-such-host.invalid/archive")
    assert "no-such-host.invalid" in str(error)


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        ('FATAL:  database "a" does not exist', Configuration, "database's name"),
        ("FATAL:  no such database: a", Configuration, "database's name"),
        ('FATAL:  role "a" does not exist', Configuration, "the user, the password"),
        ('FATAL:  database "a" is not currently accepting connections', Unavailable, ""),
        ('FATAL:  too many connections for database "a"', Unavailable, ""),
    ],
)
def test_a_connection_that_is_refused_is_judged_by_its_words(
    said: str, kind: type[ArchiverError], hint: str
) -> None:
    engine = connect("postgresql://writer@127.0.0.1/a")
    error = translate(psycopg.OperationalError(f"connection to server failed: {said}"), engine)
    assert type(error) is kind
    assert hint in str(error)


def test_a_server_without_tls_is_refused_where_it_is_wanted(
    postgres_server: PostgresServer,
) -> None:
    error = failure_of(postgres_server.superuser_url(sslmode="require"))
    assert type(error) is Configuration
    assert "sslmode" in str(error)


def test_a_certificate_that_is_trusted(tls_server: PostgresServer) -> None:
    root = str(tls_server.authority)
    url = tls_server.superuser_url(host="localhost", sslmode="verify-full", sslrootcert=root)
    engine = connect(url)
    with pytest.raises(Configuration, match="no archive"):
        check(engine)
    engine.dispose()


def test_a_certificate_of_another_authority(tls_server: PostgresServer, tmp_path: Path) -> None:
    stranger = tmp_path / "authority.crt"
    stranger.write_bytes(ServerCertificate.issue("localhost").authority)
    url = tls_server.superuser_url(sslmode="verify-full", sslrootcert=str(stranger))
    error = failure_of(url)
    assert type(error) is Configuration
    assert "certificate verify failed" in str(error)
    assert "sslrootcert" in str(error)
    assert "sslmode" not in str(error)  # no invitation to weaken it


def test_a_certificate_of_another_host(tls_server: PostgresServer) -> None:
    root = str(tls_server.authority)
    error = failure_of(tls_server.superuser_url(sslmode="verify-full", sslrootcert=root))
    assert type(error) is Configuration
    assert "does not match host name" in str(error)
    assert "sslrootcert" in str(error)
    assert "sslmode" not in str(error)  # no invitation to weaken it


def test_no_authority_to_verify_with(tls_server: PostgresServer, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.crt")
    error = failure_of(tls_server.superuser_url(sslmode="verify-full", sslrootcert=missing))
    assert type(error) is Configuration
    assert "sslrootcert" in str(error)
    assert "sslmode" not in str(error)


RAISED = {
    "25006": Configuration,
    "25P03": Unavailable,
    "28P01": Configuration,
    "3D000": Configuration,
    "3F000": Configuration,
    "42501": Forbidden,
    "42P01": Configuration,
    "42703": Configuration,
    "40001": Unavailable,
    "40P01": Unavailable,
    "53100": Unavailable,
    "53300": Unavailable,
    "55P03": Unavailable,
    "57014": Unavailable,
    "57P01": Unavailable,
    "57P03": Unavailable,
    "08006": Unavailable,
    "58030": Unavailable,
    "XX001": Integrity,
    "XX000": ArchiverError,
    "22012": ArchiverError,
    "23505": ArchiverError,
    "P0001": ArchiverError,
}


@pytest.mark.parametrize(("state", "kind"), RAISED.items(), ids=RAISED.keys())
def test_the_sqlstate_decides(owner: Engine, state: str, kind: type[ArchiverError]) -> None:
    raising = (
        f"DO $$ BEGIN RAISE EXCEPTION 'said' USING errcode = '{state}', detail = 'row'; END $$"
    )
    with (
        pytest.raises(ArchiverError) as caught,
        translated(owner),
        owner.connect() as connection,
    ):
        connection.exec_driver_sql(raising)
    assert type(caught.value) is kind
    assert state in str(caught.value)
    assert "row" not in str(caught.value)


def foreign_errors() -> Iterator[Exception]:
    """One of every class that the two libraries can raise."""
    yield from (
        kind("said")
        for kind in vars(psycopg).values()
        if isinstance(kind, type) and issubclass(kind, psycopg.Error)
    )
    yield from (
        kind("said")
        for name, kind in vars(psycopg.errors).items()
        if isinstance(kind, type) and issubclass(kind, psycopg.Error) and name[0] != "_"
    )
    yield exc.TimeoutError("the pool is empty")
    yield exc.SQLAlchemyError("said")
    yield exc.InvalidRequestError("said")
    yield exc.OperationalError("SELECT 1", {}, psycopg.OperationalError("said"))


def test_no_foreign_error_escapes(owner: Engine) -> None:
    for error in foreign_errors():
        with pytest.raises(ArchiverError) as caught, translated(owner):
            raise error
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_every_way_into_the_store_is_translated(postgres_server: PostgresServer) -> None:
    engine = connect(postgres_server.superuser_url("template1"))
    store = PostgresStore(engine, patience=Patience(0))
    batch = Batch("run-1", CLUSTER, [record()])
    for call in (
        lambda: store.write(batch),
        lambda: store.newest(CLUSTER, [record().key]),
        lambda: store.store_id,
        store.prove,
    ):
        with pytest.raises(Configuration, match="run `archiver migrate`"):
            call()
    engine.dispose()


def test_a_store_without_its_name_is_to_be_restored(owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("DELETE FROM archive.store"))
    with pytest.raises(Configuration, match=r"archive\.store is empty: restore"):
        _ = PostgresStore(owner, patience=Patience(0)).store_id


def test_a_cluster_id_that_is_no_uuid(store: PostgresStore) -> None:
    with pytest.raises(Configuration, match="no UUID"):
        store.write(Batch("run-1", "kind-kind", []))


def test_the_server_restarts(tmp_path: Path) -> None:
    with PostgresServer.start(parent=memory_folder()) as server:
        engine = connect(server.superuser_url())
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        server.stop("immediate")
        with pytest.raises(Unavailable):
            check(engine)
        server.restart()
        with pytest.raises(Configuration, match="no archive"):
            check(engine)
        engine.dispose()
