"""A value, a trigger or an index that refuses one record does not stop the others."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from archiver.db.store import PostgresStore
from archiver.errors import Integrity
from archiver.ports import Batch, Quarantined
from tests.fakes.records import CLUSTER, record


def batch(*records: Any, **more: Any) -> Batch:
    return Batch(**{"run_id": "run-1", "cluster_id": CLUSTER, "records": records, **more})


def rows(engine: Engine, statement: str) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(text(statement)).all()


BAD = {
    "a NUL": {"namespace": "a\0b"},
    "a lone surrogate": {"status": "\ud800"},
    "too long": {"environment": "x" * 257},
    "out of range": {"confidence": 1.5},
    "an integer beyond int64": {"generation": 2**70},
    "a month long past": {"created_at": datetime(1999, 1, 1, tzinfo=UTC)},
    "a month far ahead": {"created_at": datetime.now(UTC) + timedelta(days=150)},
    "a uid that is too long": {"uid": "u" * 129},
    "a uid that is no text": {"uid": "\ud800"},
    "a duration that is no number": {"processing_phases": [{"durationNs": "x"}]},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_record_whose_values_are_refused_does_not_stop_the_others(
    store: PostgresStore, bad: dict[str, Any]
) -> None:
    content = b'{"metadata":{}}'
    refused, fine = record("bad", content=content, **bad), record("fine")
    written = store.write(batch(refused, fine))
    assert list(written.refused) == [refused.key.uid]
    assert written.inserted == {fine.key.uid: 0}
    assert list(store.newest(CLUSTER, [refused.key, fine.key])) == [fine.key.uid]


def test_text_of_any_length_goes_into_columns_that_are_not_limited(store: PostgresStore) -> None:
    long = "".join(map(chr, range(0x4E00, 0x4E00 + 8000)))
    unlimited = (
        "name",
        "namespace",
        "remediation_id",
        "error_message",
        "status",
        "sla_requirement",
    )
    assert store.write(batch(record("a", uid="a", **dict.fromkeys(unlimited[1:], long)))).inserted
    assert store.write(batch(record(long, uid="b"))).inserted


def test_a_trigger_that_swallows_an_insert_is_seen_by_asking(
    store: PostgresStore, owner: Engine
) -> None:
    with owner.begin() as connection:
        connection.execute(
            text("""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN IF new.name = ''victim'' THEN RETURN NULL; END IF; RETURN new; END';
            CREATE TRIGGER swallow BEFORE INSERT ON archive.revision
            FOR EACH ROW EXECUTE FUNCTION swallow();
            """)
        )
    victim, other = record("victim"), record("other")
    written = store.write(batch(victim, other))
    assert written.inserted == {other.key.uid: 0}
    assert list(store.newest(CLUSTER, [victim.key, other.key])) == [other.key.uid]
    assert rows(owner, "SELECT uid FROM archive.batch") == [([other.key.uid],)]
    assert written.swallowed == {victim.key.uid}


def swallow(owner: Engine, table: str) -> None:
    with owner.begin() as connection:
        connection.execute(
            text(f"""
            CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER swallow BEFORE INSERT ON archive.{table}
            FOR EACH ROW EXECUTE FUNCTION swallow();
            """)
        )


def test_bytes_that_the_quarantine_does_not_keep_are_not_said_to_be_kept(
    store: PostgresStore, owner: Engine
) -> None:
    kept = Quarantined("n/kept", "too-deep", "nested too deep", b"[[")
    assert store.write(batch(quarantined=(kept,))).quarantined == 1
    swallow(owner, "quarantine")
    assert store.write(batch(quarantined=(kept,))).quarantined == 0
    lost = Quarantined("n/lost", "too-deep", "nested too deep", b"[[[")
    with pytest.raises(Integrity, match=r"n/lost were inserted into archive\.quarantine"):
        store.write(batch(record("good"), quarantined=(kept, lost)))
    assert rows(owner, "SELECT uid FROM archive.revision") == []


@pytest.mark.parametrize(
    "spoils",
    [
        (
            "AFTER",
            "DELETE FROM archive.revision WHERE (created_at, uid, revision) = "
            "(new.created_at, new.uid, new.revision)",
        ),
        ("BEFORE", "new.content = '{\"redacted\": 1}'"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_row_that_a_trigger_deletes_or_changes_is_no_race(
    store: PostgresStore, owner: Engine, spoils: tuple[str, str], known: bool
) -> None:
    when, does = spoils
    if known:
        store.write(batch(record("victim")))
    with owner.begin() as connection:
        connection.execute(
            text(f"""
            CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN {does}; RETURN new; END $$;
            CREATE TRIGGER spoil {when} INSERT ON archive.revision
            FOR EACH ROW EXECUTE FUNCTION spoil();
            """)
        )
    later = record("victim", body="later", resource_version=101)
    with pytest.raises(Integrity, match=f"{later.key.uid} is not what was inserted"):
        store.write(batch(later))
    assert len(rows(owner, "SELECT uid FROM archive.revision")) == int(known)


def test_no_row_is_kept_without_its_place_in_a_manifest(
    store: PostgresStore, owner: Engine
) -> None:
    swallow(owner, "batch")
    with pytest.raises(Integrity, match=r"archive\.batch keeps no row"):
        store.write(batch(record("good")))
    with pytest.raises(Integrity, match=r"archive\.batch keeps no row"):
        store.prove()
    assert rows(owner, "SELECT uid FROM archive.revision") == []


def test_a_later_revision_that_is_swallowed_is_no_earlier_one(
    store: PostgresStore, owner: Engine
) -> None:
    store.write(batch(record("victim")))
    swallow(owner, "revision")
    later = record("victim", body="later", resource_version=101)
    written = store.write(batch(later))
    assert (written.inserted, written.stale) == ({}, frozenset())
    assert written.swallowed == {later.key.uid}


def test_a_trigger_that_raises_refuses_one_record(store: PostgresStore, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(
            text("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN IF new.name = ''victim'' THEN RAISE ''not this one''; END IF; RETURN new;
            END';
            CREATE TRIGGER refuse BEFORE INSERT ON archive.revision
            FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        )
    written = store.write(batch(record("victim"), record("other")))
    assert written.refused == {record("victim").key.uid: "not this one"}
    assert len(written.inserted) == 1


def test_a_unique_index_of_somebody_else_refuses_one_record(
    store: PostgresStore, owner: Engine
) -> None:
    store.write(batch(record("a", uid="first")))
    with owner.begin() as connection:
        (partition,) = connection.scalars(text("SELECT tableoid::regclass FROM archive.revision"))
        connection.execute(text(f"CREATE UNIQUE INDEX foreign_key ON {partition} (name)"))
    written = store.write(batch(record("a", uid="second"), record("b")))
    assert list(written.refused) == ["second"]
    assert written.inserted == {record("b").key.uid: 0}


def test_what_has_no_bytes_has_one_row_of_a_cluster(store: PostgresStore, owner: Engine) -> None:
    empty = [Quarantined(f"e{n}.json", "empty", "the file is empty", b"") for n in (1, 2)]
    assert store.write(batch(quarantined=empty)).quarantined == 1
    assert rows(owner, "SELECT position FROM archive.quarantine") == [("e1.json",)]
