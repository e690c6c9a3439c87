"""The end of a month: for good, as a whole, by the owner alone, and never under a hold."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import pytest
from sqlalchemy import Engine, text

from archiver.db.failures import translated
from archiver.db.retention import (
    Contents,
    compare,
    drop,
    holds,
    months,
    months_of,
    origins,
    require_owner,
)
from archiver.db.store import PostgresStore
from archiver.domain.retention import Hold, Origin
from archiver.errors import Configuration, Forbidden, Integrity, Unavailable
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record
from tests.integration.db.contract import ACCURACY, OF_ONE_ALERT, SLOW
from tests.postgres.database import Database
from tests.postgres.sql import execute, value

JUNE, JULY = date(2021, 6, 1), date(2021, 7, 1)


def born(month: date, day: int = 15) -> datetime:
    return datetime(month.year, month.month, day, tzinfo=UTC)


@pytest.fixture(autouse=True)
def two_months(store: PostgresStore) -> None:
    """Five objects in two months, one of them with a second revision, in batches across both."""
    first = [record(f"june-{n}", created_at=born(JUNE, n)) for n in (1, 2, 30)]
    second = [record(f"july-{n}", created_at=born(JULY, n)) for n in (1, 31)]
    changed = record("june-2", created_at=born(JUNE, 2), body="B", resource_version=101)
    store.write(Batch("run-1", CLUSTER, [*first, *second]))
    store.write(Batch("run-2", CLUSTER, [changed]))


def rows(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)).mappings())


def stored(engine: Engine) -> list[tuple[str, int]]:
    found = rows(engine, "SELECT name, revision FROM archive.revision ORDER BY name, revision")
    return [(row["name"], row["revision"]) for row in found]


def everything(engine: Engine) -> list[Any]:
    tables = ("revision", "batch", "purge", "legal_hold", "quarantine")
    return [rows(engine, f"SELECT * FROM archive.{table} ORDER BY 1, 2, 3") for table in tables]  # noqa: S608


def digest_of(batches: list[Any], month: date) -> bytes:
    """leaves_sha256, from the batches alone, as docs/schema.md says it."""
    entries = sorted(
        (batch["batch_id"].bytes, created_at, uid.encode(), revision, bytes(leaf))
        for batch in batches
        for created_at, uid, revision, leaf in zip(
            *(batch[name] for name in ("created_at", "uid", "revision", "leaf")), strict=True
        )
        if (created_at.year, created_at.month) == (month.year, month.month)
    )
    each = [
        hashlib.sha256(b"".join(entry[-1] for entry in of_batch)).digest()
        for _, of_batch in groupby(entries, key=lambda entry: entry[0])
    ]
    return hashlib.sha256(b"".join(each)).digest()


def test_a_month_goes_whole_and_the_others_stay(owner: Engine, reader: Engine) -> None:
    purge = drop(owner, JUNE)
    assert (purge.month, purge.count, purge.batches) == (JUNE, 4, 2)
    assert stored(owner) == [("july-1", 0), ("july-31", 0)]
    assert JUNE not in months(owner)
    assert JULY in months(owner)
    assert [row["name"] for row in rows(reader, OF_ONE_ALERT)] == ["july-31", "july-1"]
    assert [rows(reader, query) for query in (ACCURACY, SLOW)] == [[], []]


def test_its_batches_stay_and_explain_what_is_gone(owner: Engine, reader: Engine) -> None:
    before = rows(owner, "SELECT * FROM archive.batch ORDER BY batch_id")
    drop(owner, JUNE)
    assert rows(owner, "SELECT * FROM archive.batch ORDER BY batch_id") == before
    (left,) = rows(reader, "SELECT * FROM archive.purge")
    assert bytes(left["leaves_sha256"]) == digest_of(before, JUNE)
    assert (left["month"], left["count"], left["dropped_by"]) == (JUNE, 4, "postgres")


def test_the_digest_is_of_every_leaf(owner: Engine) -> None:
    batches = rows(owner, "SELECT * FROM archive.batch ORDER BY batch_id")
    one = {**batches[0], "leaf": [b"\0" * 32, *batches[0]["leaf"][1:]]}
    assert digest_of([one, batches[1]], JUNE) != digest_of(batches, JUNE)


def test_a_month_without_rows_goes_too(owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("SELECT archive.ensure_month('2021-08-15')"))
    purge = drop(owner, date(2021, 8, 1))
    assert (purge.count, purge.batches) == (0, 0)
    assert purge.leaves_sha256 == hashlib.sha256().digest()


def test_a_month_that_came_back_may_be_dropped_again(owner: Engine, store: PostgresStore) -> None:
    first = drop(owner, JUNE)
    store.write(Batch("run-3", CLUSTER, [record("june-2", created_at=born(JUNE, 2))]))
    second = drop(owner, JUNE)
    assert (first.count, second.count) == (4, 1)
    assert len(rows(owner, "SELECT FROM archive.purge")) == 2


@pytest.mark.parametrize(
    ("first", "last"),
    [("NULL", "NULL"), ("'2021-06-01'", "'2021-06-01'"), ("NULL", "'2021-06-01'")],
)
def test_not_under_a_hold(owner: Engine, first: str, last: str) -> None:
    hold = f"INSERT INTO archive.legal_hold VALUES ('case-7', {first}, {last}, 'lawsuit')"  # noqa: S608
    with owner.begin() as connection:
        connection.execute(text(hold))
    before = everything(owner)
    with pytest.raises(Configuration, match=r"month 2021-06 is under legal hold: 'case-7' \(laws"):
        drop(owner, JUNE)
    assert everything(owner) == before
    with owner.begin() as connection:
        connection.execute(text("UPDATE archive.legal_hold SET lifted_at = now()"))
    assert drop(owner, JUNE).count == 4


def test_a_hold_of_other_months_does_not_matter(owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO archive.legal_hold (name, first_month, last_month, reason)
            VALUES ('later', '2021-07-01', NULL, 'x'), ('earlier', NULL, '2021-05-01', 'y')
            """)
        )
    assert drop(owner, JUNE).count == 4
    assert sorted(holds(owner), key=lambda hold: hold.name) == [
        Hold("earlier", None, date(2021, 5, 1), "y"),
        Hold("later", JULY, None, "x"),
    ]


def test_a_hold_that_is_just_being_placed_is_waited_for(owner: Engine) -> None:
    with owner.connect() as other:
        other.execute(text("INSERT INTO archive.legal_hold (name, reason) VALUES ('now', 'z')"))
        with pytest.raises(Unavailable, match="55P03"):
            drop(owner, JUNE)
        other.commit()
    with pytest.raises(Configuration, match="'now'"):
        drop(owner, JUNE)


@pytest.mark.parametrize("first", ["'2021-06-02'", "'2021-08-01'"])
def test_a_hold_is_of_whole_months_in_their_order(owner: Engine, first: str) -> None:
    hold = f"INSERT INTO archive.legal_hold VALUES ('x', {first}, '2021-07-01', 'y')"  # noqa: S608
    with pytest.raises(Exception, match="violates check constraint"), owner.begin() as connection:
        connection.execute(text(hold))


def test_not_before_it_is_over(owner: Engine) -> None:
    now = datetime.now(UTC)
    for month in (date(now.year, now.month, 1), date(now.year + 1, 1, 1)):
        with pytest.raises(Configuration, match=f"month {month:%Y-%m} is not over"):
            drop(owner, month)


def test_not_what_is_not_there(owner: Engine) -> None:
    with pytest.raises(Configuration, match="the archive has no month 2020-02"):
        drop(owner, date(2020, 2, 1))


TAMPERED = {
    "all rows of the month are gone": "DELETE FROM archive.revision WHERE name LIKE 'june-%'",
    "a row is gone": "DELETE FROM archive.revision WHERE name = 'june-1'",
    "a row came from nowhere": """
        INSERT INTO archive.revision (created_at, cluster_id, uid, revision, resource_version,
            generation, completed_at, batch_id, run_id, id, namespace, name, api_version, kind,
            processing_phases, content, circumstances)
        SELECT created_at, cluster_id, 'forged', revision, resource_version, generation,
            completed_at, batch_id, run_id, id, namespace, name, api_version, kind,
            processing_phases, content, circumstances
        FROM archive.revision WHERE name = 'june-1'""",
    "a batch is gone": "DELETE FROM archive.batch WHERE run_id = 'run-2'",
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_not_where_rows_and_batches_disagree(owner: Engine, reader: Engine, change: str) -> None:
    with owner.begin() as connection:
        connection.execute(text(change))
    before = everything(owner)
    facts = re.compile(r"month 2021-06 has \d+ rows, \d+ entries of batches, and together \d+")
    with pytest.raises(Integrity, match=facts) as refused:
        drop(owner, JUNE)
    with pytest.raises(Integrity, match=facts) as foreseen:
        compare(reader, JUNE)
    assert facts.findall(str(foreseen.value)) == facts.findall(str(refused.value))
    assert everything(owner) == before


def test_what_would_be_dropped_is_compared_without_dropping(
    owner: Engine, reader: Engine, store: PostgresStore
) -> None:
    seen = compare(reader, JUNE)
    dropped = drop(owner, JUNE)
    assert seen == Contents(dropped.count, dropped.leaves_sha256)
    # What was dropped before and is named by batches still, is not missed.
    store.write(Batch("run-3", CLUSTER, [record("june-2", created_at=born(JUNE, 2))]))
    seen = compare(reader, JUNE)
    dropped = drop(owner, JUNE)
    assert seen == Contents(dropped.count, dropped.leaves_sha256)


@pytest.fixture
def open_reader(reader: Engine) -> Iterator[Callable[[], None]]:
    """Somebody who has read the view and not ended the transaction; call it, and it ends."""
    with reader.connect() as connection:
        connection.execute(text("SELECT count(*) FROM alert_processing_audit"))
        yield connection.rollback


def test_not_while_somebody_reads(owner: Engine, open_reader: Callable[[], None]) -> None:
    before = everything(owner)
    with pytest.raises(Unavailable, match="55P03"):
        drop(owner, JUNE, attempts=1)
    assert everything(owner) == before
    open_reader()
    assert drop(owner, JUNE, attempts=1).count == 4


def test_it_waits_for_the_end_of_reading(
    owner: Engine, database: Database, open_reader: Callable[[], None]
) -> None:
    """Reading ends after the first attempt has failed: in the pause before the second."""
    pausing = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with ThreadPoolExecutor(1) as pool:
        dropped = pool.submit(drop, owner, JUNE)
        while not value(database.owner_url, pausing):
            assert not dropped.done()
            threading.Event().wait(0.02)
        # Who comes in a pause is let in.
        assert value(database.owner_url, "SELECT count(*) FROM alert_processing_audit") == 5
        open_reader()
        assert dropped.result().count == 4


def test_a_rehearsal_leaves_all_as_it_was(owner: Engine) -> None:
    before = everything(owner)
    assert drop(owner, JUNE, keep=False).count == 4
    assert everything(owner) == before


FORBIDDEN = {
    "drop a month": "SELECT archive.drop_month('2021-06-01')",
    "place a hold": "INSERT INTO archive.legal_hold (name, reason) VALUES ('x', 'y')",
    "lift a hold": "UPDATE archive.legal_hold SET lifted_at = now()",
    "delete a hold": "DELETE FROM archive.legal_hold",
    "forge a purge": "INSERT INTO archive.purge DEFAULT VALUES",
    "delete a purge": "DELETE FROM archive.purge",
    "drop the table": "DROP TABLE archive.revision_202106",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_nobody_else_may(writer: Engine, reader: Engine, owner: Engine, statement: str) -> None:
    before = everything(owner)
    for engine in (writer, reader):
        with pytest.raises(Forbidden, match="42501"), translated(engine):
            rows(engine, statement)
    assert everything(owner) == before


def test_who_was_let_call_it_by_mistake_still_may_not(
    writer: Engine, owner: Engine, database: Database
) -> None:
    grant = "GRANT EXECUTE ON FUNCTION archive.drop_month TO archiver_writer"
    execute(database.owner_url, grant)
    with pytest.raises(Forbidden, match="42501"):
        drop(writer, JUNE)


def test_who_does_not_own_the_archive_is_told_so(writer: Engine, owner: Engine) -> None:
    require_owner(owner)
    with pytest.raises(Forbidden, match="the database user writer does not own the archive"):
        require_owner(writer)


def test_what_a_month_holds(owner: Engine) -> None:
    ours = Origin(CLUSTER, "remediationprocessing.kubernaut.io", "RemediationProcessing")
    assert set(origins(owner, JUNE)) == {ours}
    assert set(origins(owner, date(2021, 5, 1))) == set()
    uids = [record(name).key.uid for name in ("june-1", "july-31", "nobody")]
    assert months_of(owner, CLUSTER, uids) == {JUNE: uids[0], JULY: uids[1]}
    with pytest.raises(Configuration, match="no UUID"):
        months_of(owner, "kind-kind", uids)
