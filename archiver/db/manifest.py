"""The batch manifest: what one transaction inserted."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from archiver.db import schema
from archiver.db.rows import Envelope, Row

_KEY = ("created_at", "uid", "revision")


def write_manifest(connection: Connection, envelope: Envelope, rows: Sequence[Row]) -> None:
    """Name the rows in archive.batch, each with its leaf; nothing where there are none."""
    if not rows:
        return
    connection.execute(
        insert(schema.batch).values(
            batch_id=envelope.batch_id,
            cluster_id=envelope.cluster_id,
            run_id=envelope.run_id,
            written_at=envelope.archived_at,
            count=len(rows),
            leaf=[row.leaf for row in rows],
            **{name: [row.values[name] for row in rows] for name in _KEY},
        )
    )
