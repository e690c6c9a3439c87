"""`archiver get` has the exact bytes to show, of the newest revision or of another."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from archiver.db.archive import Archived, find, find_quarantined
from archiver.db.store import PostgresStore
from archiver.domain.record import AuditRecord
from archiver.errors import Configuration
from archiver.ports import Batch, Quarantined
from tests.fakes.records import CLUSTER, record

NIL = "00000000-0000-0000-0000-000000000000"


def batch(*records: AuditRecord) -> Batch:
    return Batch("run-1", CLUSTER, records)


def test_the_bytes_come_back(store: PostgresStore, reader: Engine) -> None:
    content = '{"metadata":{"name":"a"},"spec":{"n":1E3,"z":-0.0,"nul":"\\u0000é"}}'.encode()
    store.write(batch(record("a", content=content)))
    (found,) = find(reader, "a")
    assert (found.content, found.revision) == (content, 0)
    assert json.loads(found.circumstances)["labels"] == {"app": "checkout"}


def test_by_name_or_uid_newest_or_given(store: PostgresStore, reader: Engine) -> None:
    store.write(batch(record("a", body="A")))
    store.write(batch(record("a", body="B", resource_version=101)))
    uid = record("a").key.uid
    assert [found.revision for found in find(reader, "a")] == [1]
    assert [found.revision for found in find(reader, uid)] == [1]
    assert [found.revision for found in find(reader, uid, revision=0)] == [0]
    assert find(reader, "a", namespace="elsewhere") == []
    assert find(reader, "a", revision=7) == []
    assert find(reader, "nobody") == find(reader, "a\0b") == []


def test_a_name_used_again_gives_both_the_youngest_first(
    store: PostgresStore, reader: Engine
) -> None:
    older = record("a", uid="first")
    younger = record("a", uid="second", created_at=older.created_at + timedelta(minutes=1))
    store.write(batch(older, younger))
    assert [found.uid for found in find(reader, "a")] == ["second", "first"]


def test_what_is_of_an_unknown_cluster_comes_last(store: PostgresStore, reader: Engine) -> None:
    known = record("a", body="final", resource_version=200)
    dumped = record("a", body="older")
    younger = record("a", uid="another", created_at=known.created_at + timedelta(minutes=1))
    store.write(Batch("run-1", NIL, [dumped, younger]))
    store.write(batch(known))
    uid = known.key.uid
    assert clusters(find(reader, uid)) == [CLUSTER, NIL]
    assert clusters(find(reader, "a")) == [CLUSTER, NIL, NIL]
    assert find(reader, uid)[0].content == known.content
    assert [found.uid for found in find(reader, "a")[1:]] == ["another", uid]


def test_one_cluster_can_be_chosen(store: PostgresStore, reader: Engine) -> None:
    store.write(Batch("run-1", NIL, [record("a", body="older")]))
    store.write(batch(record("a")))
    for cluster in (CLUSTER, NIL):
        assert clusters(find(reader, "a", cluster_id=cluster)) == [cluster]
        assert clusters(find(reader, record("a").key.uid, cluster_id=cluster)) == [cluster]
    assert find(reader, "a", cluster_id="7f9c2a52-3f0e-4a53-9b7e-0d5f4f0f7a12") == []


def clusters(found: Sequence[Archived]) -> list[str]:
    return [str(one.cluster_id) for one in found]


def test_rows_that_may_be_hidden_are_not_said_to_be_missing(
    store: PostgresStore, owner: Engine, reader: Engine
) -> None:
    store.write(Batch("run-1", CLUSTER, [record()]))
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE archive.revision ENABLE ROW LEVEL SECURITY"))
    with pytest.raises(Configuration, match="DISABLE ROW LEVEL SECURITY"):
        find(reader, record().key.uid)
    assert find(owner, record().key.uid)


@pytest.mark.parametrize(
    ("position", "asked", "namespace"),
    [("n/bad", "bad", None), ("n/bad", "bad", "n"), ("n/bad", "u", None),
     ("n/bad (uid u)", "bad", None), ("n/bad (uid u)", "bad", "n"), ("x.jsonl line 3", "u", "n")],
)  # fmt: skip
def test_the_quarantine_is_searched_by_uid_and_name(
    store: PostgresStore, position: str, asked: str, namespace: str | None
) -> None:
    assert quarantined(store, position, asked, namespace) == [(position, "too-deep")]


@pytest.mark.parametrize(
    ("position", "asked", "namespace"),
    [("n/bad", "ad", None), ("n/bad", "b_d", None), ("n/bad", "%", None), ("n/bad", "bad", "m"),
     ("n/bad", "b\0d", None), ("x.jsonl line 3", "3", None)],
)  # fmt: skip
def test_what_is_quarantined_under_another_name_is_not_found(
    store: PostgresStore, position: str, asked: str, namespace: str | None
) -> None:
    assert quarantined(store, position, asked, namespace) == []


def quarantined(
    store: PostgresStore, position: str, asked: str, namespace: str | None
) -> list[tuple[str, str]]:
    """What is found of one object at this position, whose uid is u."""
    bad = Quarantined(position, "too-deep", "nested too deep", b"[[", uid="u")
    store.write(Batch("run-1", CLUSTER, [], [bad]))
    engine = store._engine
    found = find_quarantined(engine, asked, uid=asked, namespace=namespace)
    return [(kept.position, kept.reason) for kept in found]
