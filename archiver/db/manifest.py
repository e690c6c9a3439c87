"""The batch manifest: what one transaction inserted."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.sql import SQL

from archiver.db.rows import Envelope, Row
from archiver.errors import Integrity

_INSERT: Final = SQL("""
    INSERT INTO archive.batch
        (batch_id, cluster_id, run_id, written_at, count, created_at, uid, revision, leaf)
    VALUES (%(batch_id)s, %(cluster_id)s, %(run_id)s, %(archived_at)s, %(count)s,
        %(created_at)b::timestamptz[], %(uid)b::text[], %(revision)b::integer[], %(leaf)b::bytea[])
""")
_KEY: Final = ("created_at", "uid", "revision")


def write_manifest(
    driver: psycopg.Connection[Any], envelope: Envelope, rows: Sequence[Row]
) -> None:
    """Name the rows in archive.batch, each with its leaf; nothing where there are none.

    By the driver itself: SQLAlchemy would send the arrays as text, at three times the cost. Raises
    Integrity where the server takes it and inserts nothing.
    """
    if not rows:
        return
    done = driver.execute(
        _INSERT,
        {
            "batch_id": envelope.batch_id,
            "cluster_id": envelope.cluster_id,
            "run_id": envelope.run_id,
            "archived_at": envelope.archived_at,
            "count": len(rows),
            "leaf": [row.leaf for row in rows],
            **{name: [row.values[name] for row in rows] for name in _KEY},
        },
    )
    if done.rowcount != 1:
        raise Integrity(
            "archive.batch keeps no row that is inserted, and without it nobody can tell whether "
            f"the batch's {len(rows)} rows are changed later: look for triggers and rules on it"
        )
