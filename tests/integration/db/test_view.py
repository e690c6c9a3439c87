"""alert_processing_audit: the contract queries, unchanged, and SELECT * whatever is stored."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from archiver.db import schema
from archiver.db.migrate import migrate
from archiver.db.store import PostgresStore
from archiver.domain import canonical
from archiver.domain.record import AuditRecord
from archiver.ports import Batch
from tests.fakes.records import BORN, CLUSTER, phases, record
from tests.integration.db.conftest import engine_for
from tests.integration.db.contract import ACCURACY, OF_ONE_ALERT, SLOW
from tests.postgres.database import Database

PROMISED = """
id remediation_id alert_fingerprint processing_phases enrichment_quality enrichment_sources
context_size_bytes environment confidence business_priority sla_requirement routed_to_service
routing_priority completed_at status error_message cluster_id namespace name uid api_version kind
resource_version generation created_at archived_at run_id revision content_sha256 flags manifest
"""


def write(store: PostgresStore, *records: AuditRecord) -> None:
    assert len(store.write(Batch("run-1", CLUSTER, records)).inserted) == len(records)


def ask(engine: Engine, query: str) -> Sequence[Any]:
    with engine.connect() as connection:
        # As psql does it: no parameters, the query as it stands.
        return connection.exec_driver_sql(query).mappings().all()


def test_all_records_of_one_alert(store: PostgresStore, reader: Engine) -> None:
    early = record("early", completed_at=BORN)
    late = record("late", completed_at=BORN + timedelta(hours=1))
    write(store, early, late, record("other", alert_fingerprint="another"))
    write(store, record("early", body="B", resource_version=101, completed_at=BORN))
    found = ask(reader, OF_ONE_ALERT)
    assert [(row["name"], row["revision"]) for row in found] == [("late", 0), ("early", 1)]
    assert set(PROMISED.split()) <= set(found[0])
    assert found[1]["manifest"]["spec"] == {"body": "B"}


def test_accuracy_of_the_last_seven_days(store: PostgresStore, reader: Engine) -> None:
    now = datetime.now(UTC)
    write(
        store,
        record("a", environment="production", confidence=0.9, completed_at=now),
        record("b", environment="production", confidence=0.8, completed_at=now),
        record("c", environment="staging", confidence=0.5, completed_at=now - timedelta(days=6)),
        record("d", environment="staging", confidence=0.1, completed_at=now - timedelta(days=8)),
        record("e", environment=None, confidence=None, completed_at=now),
    )
    # A revision that is not current does not count.
    changed = record("a", body="B", resource_version=101, confidence=1.0, completed_at=now)
    write(store, changed)
    found = {row["environment"]: (row["avg"], row["count"]) for row in ask(reader, ACCURACY)}
    assert {name: (avg and float(avg), n) for name, (avg, n) in found.items()} == {
        "production": (0.9, 2),
        "staging": (0.5, 1),
        None: (None, 1),
    }


def test_slow_enrichments(store: PostgresStore, reader: Engine) -> None:
    took = {"fast": 1.9, "exact": 2.0, "slow": 2.000001, "slower": 7200.0, "negative": -3.0}
    write(
        store,
        *(
            record(name, processing_phases=phases(timedelta(seconds=seconds)))
            for name, seconds in took.items()
        ),
        record("none", processing_phases=[{"phase": "enriching", "duration": None}]),
    )
    assert [row["name"] for row in ask(reader, SLOW)] == ["slower", "slow"]


def test_the_manifest_is_the_object(store: PostgresStore, reader: Engine) -> None:
    circumstances = {"annotations": {"a": "b"}, "generation": 2, "labels": {"app": "x"}}
    whole = record(circumstances=json.dumps(circumstances, separators=(",", ":")).encode())
    write(store, whole)
    (row,) = ask(reader, "SELECT * FROM alert_processing_audit")
    expected = json.loads(whole.content)
    expected["metadata"] |= circumstances
    assert row["manifest"] == expected
    assert bytes(row["content_sha256"]).hex() == whole.content_sha256


ODD = {
    "U+0000": (r'"a\u0000b"', "a\ufffdb"),
    "U+0000 twice": (r'"\u0000\u0000"', "\ufffd\ufffd"),
    "its text after a backslash": (r'"\\u0000"', r"\u0000"),
    "it after an escaped backslash": (r'"\\\u0000"', "\\\ufffd"),
    "high alone": (r'"x\ud83d"', "x\ufffd"),
    "low alone": (r'"\ude00x"', "\ufffdx"),
    "a pair": (r'"\ud83d\ude00\u0000"', "😀\ufffd"),
    "high high low": (r'"\ud83d\ud83d\ude00"', "\ufffd😀"),
    "high low low": (r'"\ud83d\ude00\ude00"', "😀\ufffd"),
    "low high": (r'"\ude00\ud83d"', "\ufffd\ufffd"),
    "a low one after the text of a high one": (r'"\\ud83d\ude00"', "\\ud83d\ufffd"),
    "the text of a low one after a high one": (r'"\ud83d\\ude00"', "\ufffd\\ude00"),
    "upper case": (r'"\uD83D \uDE00"', "\ufffd \ufffd"),
}


@pytest.mark.parametrize(("literal", "shown"), ODD.values(), ids=ODD.keys())
def test_what_jsonb_cannot_hold_has_a_stand_in(
    store: PostgresStore, reader: Engine, literal: str, shown: str
) -> None:
    content = f'{{"metadata":{{}},"spec":{literal}}}'.encode()
    circumstances = f'{{"labels":{{"l":{literal}}}}}'.encode()
    write(store, record(content=content, circumstances=circumstances))
    (row,) = ask(reader, "SELECT * FROM alert_processing_audit")
    assert row["manifest"] == {"metadata": {"labels": {"l": shown}}, "spec": shown}
    if b"\\ud83d\\ude00" not in content and content == content.lower():
        # Python's own stand-in, for canonical JSON, and the database's agree.
        assert json.loads(canonical.stand_in(content))["spec"] == shown


def nested(depth: int) -> bytes:
    return b'{"metadata":{},"spec":%s1%s}' % (b"[" * depth, b"]" * depth)


def test_deep_nesting_is_shown_as_far_as_the_server_can(
    store: PostgresStore, reader: Engine
) -> None:
    write(store, record("deep", content=nested(5_000)), record("deeper", content=nested(100_000)))
    found = ask(
        reader, "SELECT name, manifest::text AS shown FROM alert_processing_audit ORDER BY name"
    )
    assert [row["name"] for row in found] == ["deep", "deeper"]
    assert len(found[0]["shown"]) > 10_000
    assert found[1]["shown"] is None
    ask(reader, "SELECT length(manifest::text), * FROM alert_processing_audit WHERE name='deeper'")


GARBAGE = [
    b"",
    b"\xff\xfe",
    b"no json",
    b"[]",
    b"1",
    b"null",
    b"{}",
    b'{"metadata":1}',
    nested(99_999),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: repr(garbage[:12]))
@pytest.mark.parametrize("column", ["content", "circumstances"])
def test_no_stored_value_makes_a_query_fail(
    database: Database, reader: Engine, garbage: bytes, column: str
) -> None:
    with engine_for(database.owner_url) as owner:
        write(PostgresStore(owner), record("tampered"), record("fine"))
        with owner.begin() as connection:
            table = schema.revision
            change = table.update().where(table.c.name == "tampered").values({column: garbage})
            connection.execute(change)
    found = ask(reader, "SELECT name, manifest FROM alert_processing_audit ORDER BY name")
    assert found[0]["manifest"]["spec"] == {"body": "first"}
    assert [row["name"] for row in found] == ["fine", "tampered"]
    for query in (OF_ONE_ALERT, ACCURACY, SLOW):
        ask(reader, query)


def test_it_does_not_fail_in_a_parallel_plan_either(store: PostgresStore, owner: Engine) -> None:
    odd = b'{"metadata":{},"spec":"\\u0000"}'
    write(store, *(record(f"rp-{at}") for at in range(200)), record("odd", content=odd))
    with owner.begin() as connection:
        connection.exec_driver_sql("UPDATE archive.revision SET content = 'x' WHERE name = 'rp-7'")
        for setting in (
            "parallel_setup_cost = 0",
            "parallel_tuple_cost = 0",
            "min_parallel_table_scan_size = 0",
            "max_parallel_workers_per_gather = 2",
            "enable_indexscan = off",
            "enable_indexonlyscan = off",
            "enable_bitmapscan = off",
        ):
            connection.exec_driver_sql(f"SET LOCAL {setting}")
        query = "SELECT name, md5(manifest::text) FROM alert_processing_audit"
        plan = connection.exec_driver_sql(f"EXPLAIN (VERBOSE) {query}").scalars().all()
        found = connection.exec_driver_sql(query).all()
    assert any("Gather" in line for line in plan), "\n".join(plan)
    assert len(found) == 201
    assert [name for name, digest in found if digest is None] == ["rp-7"]


def test_the_planner_joins_month_by_month(owner: Engine, reader: Engine) -> None:
    migrate(owner)  # a setting of the database, which a copy has not got
    reader.dispose()
    with reader.connect() as connection:
        assert connection.exec_driver_sql("SHOW enable_partitionwise_join").scalar() == "on"
