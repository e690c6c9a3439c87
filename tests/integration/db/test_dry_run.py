"""A dry run on the server: everything is done, and nothing is left behind."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text

from archiver.db.store import PostgresStore
from archiver.errors import Forbidden, Integrity
from archiver.ports import Batch, Quarantined
from tests.fakes.records import CLUSTER, record

BAD = Quarantined("item 1", "too-deep", "nested too deep", b"[[[")


def state(engine: Engine) -> Any:
    """All that a transaction could have left."""
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        return [
            connection.execute(text(query)).all()
            for query in (
                "SELECT xmin, * FROM archive.revision",
                "SELECT xmin, * FROM archive.batch",
                "SELECT xmin, * FROM archive.quarantine",
                "SELECT oid, relname FROM pg_class WHERE relnamespace = 'archive'::regnamespace",
            )
        ]


@pytest.fixture
def dry(writer: Engine) -> PostgresStore:
    return PostgresStore(writer, rollback=True)


def test_it_writes_nothing_and_goes_on_as_if_it_had(dry: PostgresStore, owner: Engine) -> None:
    before = state(owner)
    old = record("old", created_at=record().created_at.replace(year=2020))
    written = dry.write(Batch("dry", CLUSTER, [record("a"), old], [BAD]))
    assert set(written.inserted.values()) == {0}
    assert (len(written.inserted), written.quarantined) == (2, 1)
    assert len(dry.newest(CLUSTER, [record("a").key, old.key])) == 2
    again = dry.write(Batch("dry", CLUSTER, [record("a")], [BAD]))
    assert (again.inserted, again.quarantined) == ({}, 0)
    changed = dry.write(Batch("dry", CLUSTER, [record("a", body="B", resource_version=101)]))
    assert changed.inserted == {record("a").key.uid: 1}
    stale = dry.write(Batch("dry", CLUSTER, [record("a", body="C", resource_version=1)]))
    assert stale.stale == {record("a").key.uid}
    dry.prove()
    assert state(owner) == before


def test_it_sees_what_is_really_there(dry: PostgresStore, store: PostgresStore) -> None:
    store.write(Batch("run-1", CLUSTER, [record("a")]))
    assert dry.write(Batch("dry", CLUSTER, [record("a")])).inserted == {}
    assert dry.newest(CLUSTER, [record("a").key])


@pytest.mark.parametrize("table", ["revision", "batch", "quarantine"])
def test_a_missing_right_is_found_without_any_record(
    dry: PostgresStore, store: PostgresStore, owner: Engine, table: str
) -> None:
    with owner.begin() as connection:
        connection.execute(text(f"REVOKE INSERT ON archive.{table} FROM archiver_writer"))
    for one in (dry, store):
        with pytest.raises(Forbidden, match=f"permission denied for table {table}"):
            one.prove()


def test_a_month_that_may_not_be_made_is_found(dry: PostgresStore, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(
            text("REVOKE EXECUTE ON FUNCTION archive.ensure_month FROM archiver_writer")
        )
    with pytest.raises(Forbidden, match="ensure_month"):
        dry.prove()


def test_the_proof_of_a_real_run_leaves_nothing_either(store: PostgresStore, owner: Engine) -> None:
    before = state(owner)
    store.prove()
    assert state(owner) == before


def test_a_database_that_swallows_rows_does_not_pass(dry: PostgresStore, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(
            text("""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE INSERT ON archive.revision
            FOR EACH ROW EXECUTE FUNCTION swallow();
            """)
        )
    with pytest.raises(Integrity, match="swallows"):
        dry.prove()


def test_an_absurd_month_is_refused_as_in_a_real_run(dry: PostgresStore) -> None:
    absurd = record("absurd", created_at=datetime(1999, 1, 1, tzinfo=UTC))
    for _ in range(2):
        written = dry.write(Batch("dry", CLUSTER, [absurd, record("fine")]))
        assert list(written.refused) == [absurd.key.uid]
    assert list(dry.newest(CLUSTER, [absurd.key, record("fine").key])) == [record("fine").key.uid]


def test_its_memory_stays_flat(dry: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.db.pretence._REMEMBERED", 3)
    records = [record(f"rp-{at}") for at in range(5)]
    for one in records:
        dry.write(Batch("dry", CLUSTER, [one]))
    newest = dry.newest(CLUSTER, [one.key for one in records])
    assert set(newest) == {one.key.uid for one in records[2:]}
