"""Rows of archive.revision: inserted once, by whoever comes first, and read back as they were."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import Engine, select, text

from archiver.db import schema
from archiver.db.engine import connect
from archiver.db.leaf import leaf
from archiver.db.store import PostgresStore
from archiver.domain.record import AuditRecord
from archiver.ports import Batch, Written
from tests.fakes.records import BORN, CLUSTER, record


def batch(*records: Any, **more: Any) -> Batch:
    return Batch(**{"run_id": "run-1", "cluster_id": CLUSTER, "records": records, **more})


def rows(engine: Engine, statement: str) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(text(statement)).all()


def in_parallel(workers: int, job: Callable[[int], Written]) -> list[Written]:
    start = threading.Barrier(workers)

    def run(number: int) -> Written:
        start.wait()
        return job(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))


@pytest.fixture
def engines(writer_url: str) -> Iterator[Sequence[Engine]]:
    """One for each of eight runs."""
    engines = [connect(writer_url) for _ in range(8)]
    yield engines
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("writers", [2, 4, 8])
def test_many_writers_of_the_same_objects_make_one_row_each(
    engines: Sequence[Engine], owner: Engine, writers: int
) -> None:
    records = [record(f"rp-{at}") for at in range(40)]

    def write(number: int) -> Written:
        store = PostgresStore(engines[number])
        # In another order and cut into other pages by each.
        mine = records[number:] + records[:number]
        done = [store.write(batch(*mine[at : at + 7 + number])) for at in range(0, 40, 7 + number)]
        return Written({uid: n for part in done for uid, n in part.inserted.items()})

    written = in_parallel(writers, write)
    inserted = [uid for part in written for uid in part.inserted]
    assert sorted(inserted) == sorted(item.key.uid for item in records)
    assert rows(owner, "SELECT count(*), max(revision) FROM archive.revision") == [(40, 0)]
    named = "SELECT count(*), count(DISTINCT one) FROM archive.batch b, unnest(b.uid) AS one"
    assert rows(owner, named) == [(40, 40)]


def test_many_writers_of_different_revisions_agree_on_their_order(
    engines: Sequence[Engine], owner: Engine
) -> None:
    PostgresStore(engines[0]).write(batch(record("a", body="start")))

    def write(number: int) -> Written:
        changed = record("a", body=f"body {number}", resource_version=200 + number)
        return PostgresStore(engines[number]).write(batch(changed))

    in_parallel(4, write)
    # Who came late with a lower resource version is stale; the newest is the last one.
    order = rows(owner, "SELECT resource_version FROM archive.revision ORDER BY revision")
    versions = [version for (version,) in order]
    assert versions == sorted(versions)
    assert versions[-1] == 203


def test_a_writer_waits_for_one_that_has_not_committed_yet(
    engines: Sequence[Engine], owner: Engine
) -> None:
    mine, others = (PostgresStore(engine) for engine in engines[:2])
    with ThreadPoolExecutor(1) as pool, owner.connect() as connection:
        # A lock that holds up the other run's COMMIT: its manifest has to wait.
        connection.execute(text("LOCK TABLE archive.batch IN SHARE MODE"))
        first = pool.submit(others.write, batch(record("a", body="others")))
        wait_until(lambda: len(rows(owner, "SELECT FROM pg_locks WHERE NOT granted")) == 1)
        with ThreadPoolExecutor(1) as second_pool:
            second = second_pool.submit(mine.write, batch(record("a"), record("b")))
            wait_until(lambda: len(rows(owner, "SELECT FROM pg_locks WHERE NOT granted")) == 2)
            connection.rollback()
            written = second.result(timeout=10)
    assert first.result().inserted == {record("a").key.uid: 0}
    # Other evidence at the same resource version: the caller has to read it again.
    assert written.stale == {record("a").key.uid}
    assert written.inserted == {record("b").key.uid: 0}


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_earlier_revision_has_its_place_whatever_its_resource_version(
    store: PostgresStore,
) -> None:
    uid = record().key.uid
    for at, body in enumerate(("A", "B")):
        store.write(batch(record(body=body, resource_version=100 + at)))
    written = store.write(batch(record(body="A", resource_version=0)))
    assert written.stale == {uid}
    assert not written.unordered


def test_an_earlier_revision_is_held_beside_the_newest(store: PostgresStore) -> None:
    first, second = record("a", body="A"), record("a", body="B", resource_version=101)
    store.write(batch(first))
    store.write(batch(second))
    assert store.holds(CLUSTER, first.key, first.content_sha256)
    assert store.holds(CLUSTER, first.key, second.content_sha256)


def test_every_column_arrives(store: PostgresStore, owner: Engine) -> None:
    full = record(
        deleted_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), error_message='it\'s "100%"\n'
    )
    store.write(batch(full))
    with owner.connect() as connection:
        row = connection.execute(select(schema.revision)).mappings().one()
    same = set(schema.revision.c.keys()) & set(AuditFields)
    for name in same - {"enrichment_quality", "confidence", "content_sha256"}:
        assert row[name] == getattr(full, name), name
    assert (float(row["confidence"]), str(row["confidence"])) == (0.9, "0.9")
    assert row["content_sha256"].hex() == full.content_sha256
    assert row["id"] == uuid5(UUID(CLUSTER), full.key.uid)
    assert row["cluster_id"] == UUID(CLUSTER)
    assert (row["run_id"], row["revision"], row["json_form"]) == ("run-1", 0, "plain")
    assert abs(row["archived_at"] - datetime.now(UTC)) < timedelta(minutes=1)


AuditFields = AuditRecord.__struct_fields__


def test_a_record_without_any_optional_value_is_a_row(store: PostgresStore, owner: Engine) -> None:
    optional = [c.name for c in schema.revision.c if c.nullable and c.name in AuditFields]
    nothing: dict[str, Any] = dict.fromkeys(optional)
    store.write(batch(record(processing_phases=[], flags=[], **nothing)))
    with owner.connect() as connection:
        row = connection.execute(select(*(schema.revision.c[name] for name in optional))).one()
    assert set(row) == {None}


def test_a_leaf_can_be_made_again_from_what_is_stored(store: PostgresStore, owner: Engine) -> None:
    odd = [{"phase": "enriching", "n": 1.0, "big": 1e22, "zero": -0.0, "small": 1e-7, "no": None}]
    records = [
        record("a", confidence=1e-7, enrichment_quality=1.0),
        record("b", processing_phases=odd, enrichment_sources=[], confidence=0.0),
        record("c", alert_fingerprint=None, error_message="é\u2028😀", confidence=None),
        record("d", confidence=Decimal("0.876543210987654321090"), enrichment_quality=_FINEST),
    ]
    store.write(batch(*records))
    with owner.connect() as connection:
        stored = {
            row["uid"]: leaf(dict(row))
            for row in connection.execute(select(schema.revision)).mappings()
        }
        manifest = connection.execute(select(schema.batch)).mappings().one()
    assert manifest["uid"] == sorted(manifest["uid"])
    assert dict(zip(manifest["uid"], map(bytes, manifest["leaf"]), strict=True)) == stored
    assert (manifest["count"], manifest["run_id"]) == (4, "run-1")


# One digit more than this after the point, and it is no numeric.
_FINEST = Decimal("1e-16383")


def test_a_number_of_any_length_arrives(store: PostgresStore, owner: Engine) -> None:
    long = Decimal("0.876543210987654321090")
    store.write(batch(record(confidence=long, enrichment_quality=_FINEST)))
    with owner.connect() as connection:
        row = connection.execute(select(schema.revision)).mappings().one()
    assert (str(row["confidence"]), row["enrichment_quality"]) == (str(long), _FINEST)


def test_a_leaf_shows_any_change_of_any_column(store: PostgresStore, owner: Engine) -> None:
    store.write(batch(record(deleted_at=BORN)))
    changes: dict[type, Any] = {
        datetime: BORN + timedelta(microseconds=1),
        Decimal: Decimal("0.1234567890123456789012345678901234567890"),
        bytes: b"else",
        int: 77,
        list: ["else"],
        str: "else",
        UUID: UUID(int=0),
    }
    with owner.connect() as connection:
        row = dict(connection.execute(select(schema.revision)).mappings().one())
    ours = set(row) - {"content_sha256", "json_form", "vouched_plain", "error_message"}
    changed = {name: leaf({**row, name: changes[type(row[name])]}) for name in ours}
    without = {name: leaf({**row, name: None}) for name in ours if schema.revision.c[name].nullable}
    assert len({leaf(row), *changed.values(), *without.values()}) == 1 + len(ours) + len(without)


def test_a_batch_that_inserts_nothing_writes_no_manifest(
    store: PostgresStore, owner: Engine
) -> None:
    store.write(batch(record()))
    before = rows(owner, "SELECT xmin, ctid, * FROM archive.batch")
    store.write(batch(record()))
    assert rows(owner, "SELECT xmin, ctid, * FROM archive.batch") == before
