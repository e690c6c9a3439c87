"""Months of the archive: what is in them, what holds them, and their end. For its owner."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, select, text

from archiver.db.deadline import Limit
from archiver.db.migrate import require_schema
from archiver.db.schema import legal_hold
from archiver.db.transaction import connected, transaction
from archiver.domain.retention import Hold, Origin
from archiver.errors import Configuration, Forbidden, Integrity

_MONTHS: Final = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'archive.revision'::regclass
""")
_NAME: Final = re.compile("revision_([0-9]{4})([0-9]{2})")
_ORIGINS: Final = text("""
    SELECT DISTINCT cluster_id, split_part(api_version, '/', 1), kind FROM archive.revision
    WHERE created_at >= :month AND created_at < CAST(:month AS timestamptz) + '1 month'
""")
_MONTHS_OF: Final = text("""
    SELECT uid, created_at FROM archive.revision
    WHERE cluster_id = :cluster_id AND uid = ANY(:uids)
""")
_MAY_NOT_DROP: Final = text("""
    SELECT current_user FROM pg_class
    WHERE oid = 'archive.revision'::regclass AND NOT pg_has_role(relowner, 'USAGE')
""")
_COMPARED: Final = text(
    "SELECT stored, named, total, leaves_sha256 FROM archive.compare_month(:month)"
)
_DROP: Final = text("SELECT * FROM archive.drop_month(:month, :attempts)")
# A month of millions of rows is read twice: once for its origins, once for its leaves.
_HOURS: Final = Limit(4 * 3600.0)
ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Contents:
    """What a month holds: how many rows, and the digest over their leaves."""

    count: int
    leaves_sha256: bytes


@dataclass(frozen=True, slots=True)
class Purge:
    """What is left of a month: how many rows there were, and the digest over their leaves."""

    month: date
    dropped_at: datetime
    dropped_by: str
    count: int
    batches: int
    leaves_sha256: bytes

    @classmethod
    def from_row(cls, row: Any) -> "Purge":
        """From a row of archive.purge."""
        return cls(**{name: row[name] for name in cls.__slots__})


def require_owner(engine: Engine) -> None:
    """Raises Forbidden unless this user may drop months; Configuration, Unavailable."""
    with connected(engine) as connection:
        if who := connection.scalar(_MAY_NOT_DROP):
            raise Forbidden(
                f"the database user {who} does not own the archive, and its owner alone drops "
                "months: name the owner in the database URL, as for `archiver migrate`"
            )


def months(engine: Engine) -> Sequence[date]:
    """The first days of all months that the archive has. Raises Configuration, Unavailable."""
    with connected(engine) as connection:
        require_schema(connection)
        found = map(_NAME.fullmatch, connection.scalars(_MONTHS))
        return sorted(date(int(name[1]), int(name[2]), 1) for name in found if name)


def holds(engine: Engine) -> Sequence[Hold]:
    """The legal holds that are not lifted. Raises Configuration, Unavailable."""
    columns = legal_hold.c
    wanted = select(columns.name, columns.first_month, columns.last_month, columns.reason)
    with connected(engine) as connection:
        return [Hold(*row) for row in connection.execute(wanted.where(columns.lifted_at.is_(None)))]


def origins(engine: Engine, month: date) -> Collection[Origin]:
    """Where the rows of a month come from. Reads all of it. Raises Configuration, Unavailable."""
    with connected(engine, limit=_HOURS) as connection:
        connection.execute(text("SET LOCAL TimeZone = 'UTC'"))
        found = connection.execute(_ORIGINS, {"month": month})
        return {Origin(str(cluster), group, kind) for cluster, group, kind in found}


def months_of(engine: Engine, cluster_id: str, uids: Collection[str]) -> dict[date, str]:
    """month → a uid, of the objects of these uids that are stored. Raises as the others do."""
    try:
        wanted = {"cluster_id": UUID(cluster_id), "uids": list(uids)}
    except ValueError:
        raise Configuration(f"the cluster id {cluster_id!r} is no UUID") from None
    with connected(engine) as connection:
        connection.execute(text("SET LOCAL TimeZone = 'UTC'"))
        found = connection.execute(_MONTHS_OF, wanted)
        return {date(at.year, at.month, 1): uid for uid, at in found}


def compare(engine: Engine, month: date) -> Contents:
    """What `drop` would drop. Reads all of the month, and the role archiver_reader is enough.

    Raises Integrity where the month's rows are not those that its batches name; Configuration,
    Unavailable.
    """
    with connected(engine, limit=_HOURS) as connection:
        stored, named, total, digest = connection.execute(_COMPARED, {"month": month}).one()
    if stored != total or named != total:
        raise Integrity(
            f"month {month:%Y-%m} has {stored} rows, {named} entries of batches, and together "
            f"{total} different ones: look before anything is dropped"
        )
    return Contents(int(stored), bytes(digest))


def drop(engine: Engine, month: date, *, keep: bool = True, attempts: int = ATTEMPTS) -> Purge:
    """Drop a month for good, or without `keep` all but for good: ROLLBACK takes COMMIT's place.

    `attempts`: how often two seconds are waited for the locks. Raises Configuration (the month is
    held, not over, or not there), Forbidden (this is not the archive's owner), Integrity (its rows
    are not those that its batches name) and Unavailable (readers were in the way, …).
    """
    with transaction(engine, limit=_HOURS, keep=keep) as opened:
        row = opened.connection.execute(_DROP, {"month": month, "attempts": attempts})
        return Purge.from_row(row.mappings().one())
