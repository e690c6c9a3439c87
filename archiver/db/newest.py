"""The newest revision of each object, whether there is an earlier one, and another birth."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg.sql import SQL

from archiver.domain import gotime
from archiver.domain.metadata import Key

# LATERAL with LIMIT keeps the planner at one look into one partition's primary key per object; a
# plain join may read whole partitions. The span prunes partitions while the query is planned.
_NEWEST: Final = SQL("""
    SELECT wanted.uid, newest.*
    FROM unnest(%(uids)b::text[], %(times)b::timestamptz[]) AS wanted (uid, created_at)
    CROSS JOIN LATERAL (
        SELECT r.revision, r.content_sha256, r.resource_version, r.batch_id
        FROM archive.revision r
        WHERE r.created_at = wanted.created_at AND r.cluster_id = %(cluster_id)s
          AND r.uid = wanted.uid AND r.created_at BETWEEN %(earliest)s AND %(latest)s
        ORDER BY r.revision DESC LIMIT 1
    ) AS newest
""")

# By the index on uid, in each month. Without ORDER BY the planner may hope to meet the one row
# early, and read whole months.
_OTHER_BIRTHS: Final = SQL("""
    SELECT wanted.uid, other.created_at
    FROM unnest(%(uids)b::text[], %(times)b::timestamptz[]) AS wanted (uid, created_at)
    CROSS JOIN LATERAL (
        SELECT r.created_at FROM archive.revision r
        WHERE r.uid = wanted.uid AND r.cluster_id = %(cluster_id)s
          AND r.created_at <> wanted.created_at
        ORDER BY r.revision LIMIT 1
    ) AS other
""")

_IS_STORED: Final = SQL("""
    SELECT EXISTS (
        SELECT FROM archive.revision
        WHERE created_at = %(created_at)s AND cluster_id = %(cluster_id)s AND uid = %(uid)s
          AND content_sha256 = %(digest)s
    )
""")


class Newest(msgspec.Struct, frozen=True):
    """The newest stored revision of an object. `digest` is content_sha256 in hex digits."""

    revision: int
    digest: str
    resource_version: int
    batch_id: UUID

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Newest":
        """From revision, content_sha256, resource_version, batch_id."""
        revision, digest, resource_version, batch_id = row
        return cls(revision, bytes(digest).hex(), resource_version, batch_id)


def find_newest(
    driver: psycopg.Connection[Any], cluster_id: UUID, keys: Iterable[Key]
) -> Mapping[str, Newest]:
    """uid → newest revision, of those that have one, in one statement.

    By the driver itself: SQLAlchemy would send the arrays as text, at three times the cost.
    """
    wanted = _arrays(cluster_id, keys)
    if not (times := wanted["times"]):
        return {}
    with driver.cursor(binary=True) as cursor:
        span = {"earliest": min(times), "latest": max(times)}
        found = cursor.execute(_NEWEST, wanted | span)
        return {uid: Newest.from_row(row) for uid, *row in found}


def find_other_births(
    driver: psycopg.Connection[Any], cluster_id: UUID, keys: Iterable[Key]
) -> Mapping[str, datetime]:
    """uid → another created_at under which the archive holds it, of those that have one."""
    wanted = _arrays(cluster_id, keys)
    if not wanted["times"]:
        return {}
    with driver.cursor(binary=True) as cursor:
        found = cursor.execute(_OTHER_BIRTHS, wanted)
        return {uid: at.astimezone(UTC) for uid, at in found}


def _arrays(cluster_id: UUID, keys: Iterable[Key]) -> dict[str, Any]:
    storable = [key for key in keys if _is_text(key.uid)]
    return {
        "uids": [key.uid for key in storable],
        "times": [gotime.to_datetime(key.created_at) for key in storable],
        "cluster_id": cluster_id,
    }


def is_stored(driver: psycopg.Connection[Any], cluster_id: UUID, key: Key, digest: str) -> bool:
    """Whether any revision of the object has this evidence, the newest or an earlier one."""
    wanted = {
        "created_at": gotime.to_datetime(key.created_at),
        "cluster_id": cluster_id,
        "uid": key.uid,
        "digest": bytes.fromhex(digest),
    }
    row = driver.execute(_IS_STORED, wanted).fetchone()
    return row is not None and bool(row[0])


def _is_text(uid: str) -> bool:
    """Whether a text column could hold it: no U+0000, no lone surrogate."""
    if uid.isascii():
        return "\0" not in uid
    return "\0" not in uid and uid == uid.encode("utf-8", "ignore").decode()
