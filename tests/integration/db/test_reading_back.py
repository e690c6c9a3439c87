"""`archiver get` has the exact bytes to show, of the newest revision or of another."""

import json
from datetime import timedelta

from sqlalchemy import Engine

from archiver.db.archive import find
from archiver.db.store import PostgresStore
from archiver.domain.record import AuditRecord
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record


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
