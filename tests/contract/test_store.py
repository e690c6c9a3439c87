"""What every Store does: the one on PostgreSQL, its dry run, and the fake in memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from archiver.db.engine import connect
from archiver.db.store import PostgresStore
from archiver.domain.record import ORDER_BY_RESOURCE_VERSION, AuditRecord
from archiver.ports import Batch, Quarantined, Store
from tests.fakes.records import BORN, CLUSTER, record
from tests.fakes.store import MemoryStore


@pytest.fixture(params=["postgres", "postgres-rolled-back", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    engine = connect(request.getfixturevalue("database").owner_url)
    yield PostgresStore(engine, rollback=request.param == "postgres-rolled-back")
    engine.dispose()


def batch(*records: AuditRecord, **more: Any) -> Batch:
    return Batch(**{"run_id": "run-1", "cluster_id": CLUSTER, "records": records, **more})


def test_it_has_an_identity_that_stays(store: Store) -> None:
    assert UUID(store.store_id)
    assert store.store_id == store.store_id


def test_nothing_is_newest_in_an_empty_store(store: Store) -> None:
    assert store.newest(CLUSTER, [record().key]) == {}
    assert store.newest(CLUSTER, []) == {}


def test_what_was_written_is_newest(store: Store) -> None:
    first, second = record("a"), record("b")
    written = store.write(batch(first, second))
    assert written.inserted == {first.key.uid: 0, second.key.uid: 0}
    assert store.newest(CLUSTER, [first.key, second.key, record("c").key]) == {
        first.key.uid: first.content_sha256,
        second.key.uid: second.content_sha256,
    }


def test_the_same_evidence_again_inserts_nothing(store: Store) -> None:
    store.write(batch(record()))
    later = record(resource_version=101, circumstances=b'{"labels":{"other":"x"}}')
    written = store.write(batch(later, run_id="run-2"))
    assert not written.inserted
    assert not written.stale


def test_other_evidence_is_a_new_revision(store: Store) -> None:
    uid = record().key.uid
    store.write(batch(record(body="A")))
    changed = record(body="B", resource_version=101)
    assert store.write(batch(changed)).inserted == {uid: 1}
    assert store.newest(CLUSTER, [changed.key]) == {uid: changed.content_sha256}


def test_it_holds_what_was_written_of_an_object_and_no_other_evidence(store: Store) -> None:
    first, second = record(body="A"), record(body="B", resource_version=101)
    assert not store.holds(CLUSTER, first.key, first.content_sha256)
    store.write(batch(first))
    assert store.holds(CLUSTER, first.key, first.content_sha256)
    assert not store.holds(CLUSTER, first.key, second.content_sha256)
    store.write(batch(second))
    assert store.holds(CLUSTER, first.key, second.content_sha256)
    assert not store.holds(CLUSTER, first.key, record(body="C").content_sha256)
    assert not store.holds(CLUSTER, record("another").key, first.content_sha256)
    assert not store.holds(str(UUID(int=7)), first.key, first.content_sha256)


def test_evidence_that_changes_back_is_newest_again(store: Store) -> None:
    uid = record().key.uid
    bodies = ("A", "B", "A")
    numbers = [
        store.write(batch(record(body=body, resource_version=100 + at))).inserted[uid]
        for at, body in enumerate(bodies)
    ]
    assert numbers == [0, 1, 2]
    assert store.newest(CLUSTER, [record().key]) == {uid: record(body="A").content_sha256}


@pytest.mark.parametrize("resource_version", [99, 100], ids=["lower", "equal"])
def test_other_evidence_that_is_no_later_is_stale_until_read_again(
    store: Store, resource_version: int
) -> None:
    uid = record().key.uid
    store.write(batch(record(body="B", resource_version=100)))
    older = record(body="A", resource_version=resource_version)
    written = store.write(batch(older))
    assert written.stale == {uid}
    assert not written.inserted
    assert store.newest(CLUSTER, [older.key])[uid] != older.content_sha256

    written = store.write(batch(older, reread=frozenset({uid})))
    assert written.inserted == {uid: 1}
    assert not written.stale
    assert store.newest(CLUSTER, [older.key])[uid] == older.content_sha256


@pytest.mark.parametrize(("resource_version", "unordered"), [(99, False), (100, True), (0, True)])
def test_what_no_resource_version_puts_in_order_is_said_besides(
    store: Store, resource_version: int, unordered: bool
) -> None:
    uid = record().key.uid
    store.write(batch(record(body="B", resource_version=100)))
    written = store.write(batch(record(body="A", resource_version=resource_version)))
    assert written.stale == {uid}
    assert written.unordered == ({uid} if unordered else frozenset())


def test_a_stale_record_does_not_stop_the_others(store: Store) -> None:
    store.write(batch(record("a", body="B")))
    fresh = record("b")
    written = store.write(batch(record("a", body="A", resource_version=1), fresh))
    assert written.inserted == {fresh.key.uid: 0}
    assert written.stale == {record("a").key.uid}


def test_a_record_that_was_confirmed_once_more_and_is_the_newest_inserts_nothing(
    store: Store,
) -> None:
    store.write(batch(record()))
    assert not store.write(batch(record(), reread=frozenset({record().key.uid}))).inserted


def flags(store: Store, uid: str) -> list[list[str]]:
    """The flags of all revisions of an object, oldest first."""
    if isinstance(store, MemoryStore):
        return [list(stored.flags) for stored in store.revisions[CLUSTER, uid]]
    assert isinstance(store, PostgresStore)
    query = text("SELECT flags FROM archive.revision WHERE uid = :uid ORDER BY revision")
    with store._engine.connect() as connection:
        return [list(row) for row in connection.scalars(query, {"uid": uid})]


@pytest.mark.parametrize("store", ["postgres", "memory"], indirect=True)
@pytest.mark.parametrize("live", [True, False], ids=["cluster", "file"])
@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
def test_what_a_file_says_after_another_state_has_a_flag(
    store: Store, live: bool, together: bool
) -> None:
    uid, own = record().key.uid, list(record().flags)
    more = () if together else (record("odd", environment="a\0b"),)
    store.write(batch(record(body="A"), live=live))
    written = store.write(batch(record(body="B", resource_version=101), *more, live=live))
    assert written.inserted[uid] == 1
    assert flags(store, uid) == [own, own if live else [*own, ORDER_BY_RESOURCE_VERSION]]


LATER = BORN + timedelta(hours=1)


@pytest.mark.parametrize("other", [LATER, BORN.replace(year=2020)], ids=["month", "other month"])
@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
def test_what_a_file_says_of_a_uid_with_another_creation_time_is_refused(
    store: Store, other: datetime, together: bool
) -> None:
    first, second = record(created_at=BORN), record(created_at=other, resource_version=101)
    fine = record("fine") if together else record("fine", environment="a\0b")
    store.write(batch(first, live=False))
    written = store.write(batch(second, fine, live=False))
    assert set(written.refused) - {fine.key.uid} == {second.key.uid}
    assert second.key.uid not in written.inserted
    why = written.refused[second.key.uid]
    assert all(f"{at:%Y-%m-%dT%H:%M:%SZ}" in why for at in (BORN, other))
    assert store.newest(CLUSTER, [second.key]) == {}
    # What is stored stays what it was, and other clusters have their own uids.
    later = record(created_at=BORN, body="B", resource_version=102)
    assert store.write(batch(later, live=False)).inserted == {first.key.uid: 1}
    elsewhere = batch(second, cluster_id=str(uuid4()), live=False)
    assert store.write(elsewhere).inserted == {second.key.uid: 0}


def test_what_a_cluster_says_of_a_uid_is_not_compared_with_other_creation_times(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = record(created_at=BORN), record(created_at=LATER)
    with monkeypatch.context() as unasked:
        # For nothing: a run on a cluster does not even look.
        unasked.delattr("archiver.db.insertion.find_other_births")
        store.write(batch(first, live=True))
        assert store.write(batch(second, live=True)).inserted == {second.key.uid: 0}
    # Nor are states of an object that is there, whoever says them.
    for one in (first, second):
        assert not store.write(batch(one, live=False)).refused


def test_clusters_are_kept_apart(store: Store) -> None:
    other = str(uuid4())
    store.write(batch(record()))
    assert store.newest(other, [record().key]) == {}
    assert store.write(batch(record(), cluster_id=other)).inserted == {record().key.uid: 0}


def test_a_name_that_is_used_again_is_another_object(store: Store) -> None:
    first, second = record("a", uid="uid-1"), record("a", uid="uid-2")
    assert store.write(batch(first, second)).inserted == {"uid-1": 0, "uid-2": 0}


def test_objects_of_many_months_go_into_one_batch(store: Store) -> None:
    born = record().created_at
    old = [record(f"m{at}", created_at=born.replace(year=2020, month=at, day=1)) for at in (1, 7)]
    assert len(store.write(batch(record(), *old)).inserted) == 3
    assert len(store.newest(CLUSTER, [item.key for item in (record(), *old)])) == 3


def test_an_empty_batch_is_a_batch(store: Store) -> None:
    written = store.write(batch())
    assert (written.inserted, written.stale, written.quarantined) == ({}, frozenset(), 0)


def test_the_same_bytes_are_quarantined_once(store: Store) -> None:
    bad = Quarantined("page 1, item 3", "too-deep", "nested too deep", b"[[[[")
    assert store.write(batch(quarantined=[bad])).quarantined == 1
    again = replace(bad, position="page 9, item 9")
    other = replace(bad, raw=b"{{")
    assert store.write(batch(quarantined=[again, other])).quarantined == 1


def test_quarantined_text_may_be_anything(store: Store) -> None:
    bad = Quarantined("a\0b", "x", "lone \ud800 surrogate", b"\0\xff", uid="u" * 4096)
    assert store.write(batch(quarantined=[bad])).quarantined == 1
