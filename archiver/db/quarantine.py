"""Bytes that could not become a record, kept as they are. Insert-only; the same bytes once."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from archiver.db import schema
from archiver.db.rows import Envelope
from archiver.ports import Quarantined


def keep(connection: Connection, envelope: Envelope, items: Sequence[Quarantined]) -> int:
    """Insert these; how many were not there yet."""
    # In one order for everybody, so that two runs wait for one another and never in a circle.
    ordered = sorted(items, key=lambda item: hashlib.sha256(item.raw).digest())
    return sum(_insert(connection, envelope, item) for item in ordered)


def _insert(connection: Connection, envelope: Envelope, item: Quarantined) -> int:
    statement = insert(schema.quarantine).values(
        cluster_id=envelope.cluster_id,
        run_id=envelope.run_id,
        position=_text(item.position),
        uid=_text(item.uid),
        reason=_text(item.reason),
        message=_text(item.message),
        raw=item.raw,
    )
    made = statement.on_conflict_do_nothing().returning(schema.quarantine.c.raw_sha256)
    return len(connection.execute(made).all())


def _text(text: str) -> str:
    """Text that a text column takes: U+FFFD for U+0000 and lone surrogates."""
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return paired.replace("\0", "\ufffd")
