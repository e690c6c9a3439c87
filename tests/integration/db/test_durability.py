"""A write that returns is durable, and one whose outcome is unknown is written once."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from archiver.db.deadline import Limit
from archiver.db.engine import connect
from archiver.db.migrate import migrate
from archiver.db.patience import Patience
from archiver.db.store import PostgresStore
from archiver.db.transaction import Transaction, transaction
from archiver.errors import Unavailable
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record
from tests.integration.db.wire_proxy import Cut, WireProxy, wire_proxy
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[WireProxy]:
    with wire_proxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
def through_proxy(
    proxy: WireProxy, postgres_server: PostgresServer, writer_url: str
) -> Iterator[Engine]:
    engine = connect(writer_url.replace(f":{postgres_server.port}/", f":{proxy.port}/"))
    yield engine
    engine.dispose()


def batch(*names: str) -> Batch:
    return Batch("run-1", CLUSTER, [record(name) for name in names])


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_lost_commit_is_written_once_and_said_to_be_inserted(
    through_proxy: Engine, proxy: WireProxy, owner: Engine, cut: Cut
) -> None:
    store = PostgresStore(through_proxy)
    store.write(batch("warm"))
    proxy.cuts, proxy.commits = [cut], 0
    written = store.write(batch("a", "b"))
    assert set(written.inserted.values()) == {0}
    assert len(written.inserted) == 2
    assert proxy.commits == (1 if cut == "before" else 2)
    with owner.connect() as connection:
        rows = connection.scalars(text("SELECT count FROM archive.batch ORDER BY written_at"))
        assert rows.all() == [1, 2]
        assert connection.scalar(text("SELECT count(*) FROM archive.revision")) == 3


def test_patience_ends(through_proxy: Engine, proxy: WireProxy) -> None:
    store = PostgresStore(through_proxy, patience=Patience(0.5))
    store.write(batch("warm"))
    proxy.cuts = ["before"] * 100
    with pytest.raises(Unavailable, match="outcome is unknown"):
        store.write(batch("a"))


def test_a_backend_that_is_terminated_in_between_is_survived(
    store: PostgresStore, writer: Engine, owner: Engine
) -> None:
    store.write(batch("a"))  # leaves a connection in the pool
    with owner.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'writer'")
        )
    assert store.newest(CLUSTER, [record("a").key])
    assert len(store.write(batch("b")).inserted) == 1


def test_a_commit_that_turns_out_to_be_a_rollback_is_no_success(writer: Engine) -> None:
    with (
        pytest.raises(Unavailable, match="ROLLBACK"),
        transaction(writer, limit=Limit(5)) as opened,
        pytest.raises(psycopg.errors.DivisionByZero),
    ):
        opened.driver.execute("SELECT 1/0")


def test_a_commit_outside_of_a_transaction_is_no_success(writer: Engine) -> None:
    with (
        pytest.raises(Unavailable, match="not known to be durable"),
        transaction(writer, limit=Limit(5)) as opened,
    ):
        _leave(opened)


def _leave(opened: Transaction) -> None:
    opened.driver.execute("ROLLBACK")
    opened.driver.autocommit = True


def test_a_commit_that_fails_by_itself_is_tried_again(store: PostgresStore, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql("""
            CREATE SEQUENCE failures;
            GRANT USAGE ON failures TO archiver_writer;
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF nextval('public.failures') < 3 THEN
                RAISE EXCEPTION 'not yet' USING errcode = 'serialization_failure';
              END IF;
              RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON archive.batch
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
        """)
    assert len(store.write(batch("a")).inserted) == 1


def test_a_statement_that_takes_too_long_is_cancelled(writer: Engine) -> None:
    started = time.monotonic()
    with (
        pytest.raises(Unavailable, match="57014"),
        transaction(writer, limit=Limit(0.3)) as opened,
    ):
        opened.connection.execute(text("SELECT pg_sleep(60)"))
    assert time.monotonic() - started < 5


def test_every_transaction_writes_a_fence_even_if_it_inserts_nothing(
    store: PostgresStore, writer: Engine
) -> None:
    statements: list[str] = []
    event.listen(
        writer, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement)
    )
    store.write(batch("a"))
    statements.clear()
    assert not store.write(batch("a")).inserted
    assert any("pg_logical_emit_message(true, 'archiver', 'fence')" in said for said in statements)


@pytest.fixture(scope="module")
def waits_for_standby() -> Iterator[Engine]:
    """A server whose only synchronous standby is not there."""
    settings = {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}
    with PostgresServer.start(settings=settings, parent=memory_folder()) as server:
        setup = connect(server.superuser_url())
        migrate(setup)
        with setup.begin() as connection:
            connection.execute(text("CREATE ROLE job LOGIN PASSWORD 'job' IN ROLE archiver_writer"))
            connection.execute(text("ALTER ROLE job SET synchronous_commit = on"))
        engine = connect(server.url("postgres", "job", "job"))
        yield engine
        setup.dispose()
        engine.dispose()


def test_a_row_that_no_standby_has_is_not_durable_however_often_it_is_written(
    waits_for_standby: Engine,
) -> None:
    store = PostgresStore(waits_for_standby, limit=Limit(0.5), patience=Patience(0))
    with pytest.raises(Unavailable, match="durable"):
        store.write(batch("a"))
    # Committed here, it can be seen; a retry inserts nothing, and only the fence makes it wait.
    assert store.newest(CLUSTER, [record("a").key])
    with pytest.raises(Unavailable, match="durable"):
        store.write(batch("a"))


def test_a_server_that_stops_answering_is_given_up_when_the_run_has_to_end(
    through_proxy: Engine, proxy: WireProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.db.deadline._GRACE", 0.2)
    ended = threading.Event()
    limit = Limit(600, ended.is_set)
    store = PostgresStore(through_proxy, limit=limit, patience=Patience(600, ended.is_set))
    store.write(batch("a"))
    with proxy.silence():
        ended.set()
        with pytest.raises(Unavailable):
            store.write(batch("b"))


def test_a_server_that_stops_answering_is_given_up(
    through_proxy: Engine, proxy: WireProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.db.deadline._GRACE", 0.2)
    store = PostgresStore(through_proxy, limit=Limit(0.3), patience=Patience(0))
    store.write(batch("a"))
    with proxy.silence():
        started = time.monotonic()
        with pytest.raises(Unavailable):
            store.write(batch("b"))
        assert time.monotonic() - started < 5
