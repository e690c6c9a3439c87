"""Monthly partitions: made in time, by whoever needs one, and only for months that can be."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.sql import SQL
from sqlalchemy import Engine, text

from archiver.db.engine import connect
from archiver.db.failures import translated
from archiver.db.store import PostgresStore
from archiver.db.transaction import driver_of
from archiver.errors import ArchiverError, Unavailable
from archiver.ports import Batch
from tests.fakes.records import CLUSTER, record


def partitions(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL TimeZone = 'UTC'"))
        found = connection.execute(
            text("""
            SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'archive.revision'::regclass
            """)
        )
        return {name: bound for name, bound in found}  # noqa: C416


def ensure(engine: Engine, at: str) -> str:
    with translated(engine), engine.begin() as connection:
        return str(connection.scalar(text("SELECT archive.ensure_month(:at)"), {"at": at}))


def test_the_boundary_is_that_of_utc(store: PostgresStore, owner: Engine) -> None:
    last = datetime(2023, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    first = last + timedelta(microseconds=1)
    records = [record("a", created_at=last), record("b", created_at=first)]
    assert len(store.write(Batch("run-1", CLUSTER, records)).inserted) == 2
    with owner.connect() as connection:
        where = text("SELECT tableoid::regclass::text FROM archive.revision ORDER BY created_at")
        assert connection.scalars(where).all() == [
            "archive.revision_202312",
            "archive.revision_202401",
        ]
    assert partitions(owner)["revision_202401"] == (
        "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')"
    )


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak"])
def test_the_zone_and_date_style_of_the_session_do_not_matter(owner: Engine, zone: str) -> None:
    with owner.begin() as connection:
        connection.execute(text(f"SET LOCAL TimeZone = '{zone}'"))
        connection.execute(text("SET LOCAL DateStyle = 'SQL, DMY'"))
        name = connection.scalar(text("SELECT archive.ensure_month('2022-02-28 23:59:59Z')"))
    assert name == "revision_202202"
    assert "'2022-02-01 00:00:00+00'" in partitions(owner)[name]


@pytest.mark.parametrize(
    "at", ["2017-12-31 23:59:59Z", "infinity", "-infinity", "0044-03-15 BC", "9999-01-01"]
)
def test_absurd_months_are_refused(writer: Engine, owner: Engine, at: str) -> None:
    before = partitions(owner)
    with pytest.raises(ArchiverError, match="outside the months"):
        ensure(writer, at)
    assert partitions(owner) == before


def test_migrate_makes_this_month_and_two_ahead(owner: Engine) -> None:
    this = datetime.now(UTC).replace(day=1)
    ahead = [this, this + timedelta(days=31), (this + timedelta(days=31)).replace(day=1)]
    ahead[2] += timedelta(days=31)
    assert set(partitions(owner)) == {f"revision_{month:%Y%m}" for month in ahead}


def test_many_ask_at_once_while_readers_are_open(writer_url: str, owner: Engine) -> None:
    engines = [connect(writer_url) for _ in range(8)]
    with owner.connect() as open_reader:
        open_reader.execute(text("SELECT count(*) FROM alert_processing_audit"))
        with ThreadPoolExecutor(8) as pool:
            made = pool.map(lambda engine: ensure(engine, "2021-06-15"), engines)
            assert list(made) == ["revision_202106"] * 8
        # The open reader goes on, and sees the new month.
        open_reader.execute(text("SELECT count(*) FROM alert_processing_audit"))
    assert list(partitions(owner)).count("revision_202106") == 1
    for engine in engines:
        engine.dispose()


def test_a_month_has_all_that_its_parent_has(owner: Engine) -> None:
    ensure(owner, "2021-06-15")
    with owner.connect() as connection:
        for counted in (
            "SELECT count(*) FROM pg_index WHERE indrelid = CAST(:t AS regclass)",
            "SELECT count(*) FROM pg_statistic_ext WHERE stxrelid = CAST(:t AS regclass)",
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST(:t AS regclass)",
        ):
            count = text(counted)
            of = {
                table: connection.scalar(count, {"t": f"archive.{table}"})
                for table in ("revision", "revision_202106")
            }
            assert of["revision"] == of["revision_202106"]
        unattached = connection.scalars(
            text("""
            SELECT indexrelid::regclass FROM pg_index
            WHERE indrelid = 'archive.revision_202106'::regclass
              AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
            """)
        )
        assert unattached.all() == []


def test_a_lock_in_the_way_is_a_matter_of_patience(writer: Engine, owner: Engine) -> None:
    with owner.connect() as connection:
        connection.execute(text("LOCK TABLE archive.revision IN SHARE UPDATE EXCLUSIVE MODE"))
        with pytest.raises(Unavailable, match="55P03"):
            ensure(writer, "2021-06-15")


def test_a_month_that_was_dropped_meanwhile_is_made_again(
    store: PostgresStore, owner: Engine
) -> None:
    old = datetime(2021, 6, 15, tzinfo=UTC)
    store.write(Batch("run-1", CLUSTER, [record("a", created_at=old)]))
    with owner.begin() as connection:
        connection.execute(text("DROP TABLE archive.revision_202106"))
    written = store.write(Batch("run-1", CLUSTER, [record("b", created_at=old), record("c")]))
    assert len(written.inserted) == 2


def test_a_detached_month_is_not_taken_for_one_that_is_there(writer: Engine, owner: Engine) -> None:
    ensure(owner, "2021-06-15")
    with owner.begin() as connection:
        connection.execute(
            text("ALTER TABLE archive.revision DETACH PARTITION archive.revision_202106")
        )
    with pytest.raises(ArchiverError, match=r"already exists.*stands in the way"):
        ensure(writer, "2021-06-15")


def test_the_look_for_the_newest_reads_one_partition_per_object(
    store: PostgresStore, owner: Engine
) -> None:
    born = [datetime(2021, month, 15, tzinfo=UTC) for month in range(1, 13)]
    records = [record(f"m{at}", created_at=at) for at in born]
    store.write(Batch("run-1", CLUSTER, records))
    with owner.connect() as connection:
        from archiver.db import newest as module

        explained = SQL("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ") + module._NEWEST
        found = driver_of(connection).execute(
            explained,
            {
                "uids": [records[5].key.uid],
                "times": [born[5]],
                "cluster_id": CLUSTER,
                "earliest": born[5],
                "latest": born[5],
            },
        )
        plan = [line for (line,) in found]
    touched = [line for line in plan if "revision_2021" in line and "never executed" not in line]
    assert all("revision_202106" in line for line in touched), "\n".join(plan)
    assert touched
