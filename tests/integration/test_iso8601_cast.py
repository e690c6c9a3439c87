"""PostgreSQL casts the text of `gotime.iso8601` to the very microsecond."""

import random

import psycopg

from archiver.domain import gotime
from tests.postgres.database import Database

_EDGES = [
    0,
    1,
    -1,
    999,
    -999,
    1_000,
    -1_000,
    1_999,
    -1_999,
    999_999_999,
    -500_000_000,
    1_500_000_000,
    59_999_999_999,
    -5_400_000_000_000,
    86_400_000_000_000,
    2_678_400_123_456_000,
    8_589_934_591_999_999_000,
    8_589_934_592_000_001_000,
    -8_589_934_592_000_001_000,
    2**63 - 1,
    -(2**63),
]


def test_postgresql_casts_every_duration_exactly(database: Database) -> None:
    chance = random.Random(8601)  # noqa: S311 -- no secret
    nanoseconds = _EDGES + [
        chance.choice((-1, 1)) * chance.getrandbits(chance.randint(10, 63)) for _ in range(5_000)
    ]
    with psycopg.connect(database.owner_url) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM duration::interval) * 1000000"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS t(duration, n) ORDER BY n",
            [[gotime.iso8601(ns) for ns in nanoseconds]],
        ).fetchall()
    assert [row[0] for row in rows] == [ns // 1_000 for ns in nanoseconds]


def test_the_users_query_for_slow_enrichments_compares_to_the_microsecond(
    database: Database,
) -> None:
    with psycopg.connect(database.owner_url) as connection:
        row = connection.execute(
            "SELECT %s::text::interval > interval '2 seconds',"
            " %s::text::interval > interval '2 seconds'",
            [gotime.iso8601(2_000_001_000), gotime.iso8601(2_000_000_999)],
        ).fetchone()
    assert row == (True, False)
