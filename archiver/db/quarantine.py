"""Bytes that could not become a record, kept as they are. Insert-only; the same bytes once."""

import hashlib
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from archiver.db import schema
from archiver.db.rows import Envelope
from archiver.errors import Integrity
from archiver.ports import Quarantined

_digest: Final = itemgetter(0)
_THERE: Final = text("""
    SELECT raw_sha256 FROM archive.quarantine
    WHERE cluster_id = :cluster_id AND raw_sha256 = ANY(:digests ::bytea[])
""")


def keep(connection: Connection, envelope: Envelope, items: Sequence[Quarantined]) -> int:
    """Insert these; how many were not there yet.

    Raises Integrity for one that is not there afterwards: a trigger or rule has swallowed it.
    """
    # In one order for everybody, so that two runs wait for one another and never in a circle.
    ordered = sorted(((hashlib.sha256(item.raw).digest(), item) for item in items), key=_digest)
    if not ordered:
        return 0
    new = sum(_insert(connection, envelope, item) for _, item in ordered)
    # What was there before and what is swallowed are answered alike.
    wanted = {"cluster_id": envelope.cluster_id, "digests": [digest for digest, _ in ordered]}
    there = set(connection.scalars(_THERE, wanted))
    for digest, item in ordered:
        if digest not in there:
            raise Integrity(
                f"the bytes of {item.position or 'an object'} were inserted into "
                "archive.quarantine and are not there: look for triggers and rules on it"
            )
    return new


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


def _text(value: str) -> str:
    """Text that a text column takes: U+FFFD for U+0000 and lone surrogates."""
    paired = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return paired.replace("\0", "\ufffd")
