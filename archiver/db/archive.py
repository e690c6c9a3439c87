"""Reading back what was archived: the exact bytes, not what jsonb makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, RowMapping, select, text

from archiver.db.migrate import require_schema
from archiver.db.row_security import require_all_rows
from archiver.db.schema import revision
from archiver.db.transaction import connected
from archiver.ports import UNKNOWN_CLUSTER

_r: Final = revision.c
_UNKNOWN: Final = UUID(UNKNOWN_CLUSTER)
_MOST_KEPT: Final = 5
# A position is NAMESPACE/NAME, with the uid where it was known, or a place in a file.
_KEPT: Final = text("""
    SELECT position, reason, first_seen_at AT TIME ZONE 'UTC'
    FROM archive.quarantine, split_part(position, ' (uid ', 1) AS named
    WHERE (uid = :uid
       OR CASE WHEN :namespace ::text IS NULL THEN right(named, length(:name) + 1) = '/' || :name
               ELSE named = :namespace || '/' || :name END)
      AND (:cluster_id ::uuid IS NULL OR cluster_id = :cluster_id)
    ORDER BY first_seen_at DESC, raw_sha256 LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Archived:
    """One stored revision of an object. `content` and `circumstances` are canonical JSON."""

    id: UUID
    cluster_id: UUID
    namespace: str
    name: str
    uid: str
    api_version: str
    kind: str
    revision: int
    resource_version: int
    created_at: datetime
    completed_at: datetime
    archived_at: datetime
    deleted_at: datetime | None
    run_id: str
    content: bytes
    circumstances: bytes
    content_sha256: bytes
    flags: Sequence[str]

    @classmethod
    def from_row(cls, row: RowMapping) -> "Archived":
        """From a row of archive.revision."""
        return cls(**{name: row[name] for name in cls.__slots__})

    @property
    def object(self) -> tuple[UUID, datetime, str]:
        """What its revisions have in common."""
        return self.cluster_id, self.created_at, self.uid

    @property
    def cluster(self) -> str:
        """Its cluster, for people."""
        return "unknown cluster" if self.cluster_id == _UNKNOWN else f"cluster {self.cluster_id}"


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes in the quarantine: where they were found, and why they became no record."""

    position: str
    reason: str
    first_seen_at: datetime

    def __str__(self) -> str:
        return f"{self.position}: {self.reason} (since {self.first_seen_at:%Y-%m-%d %H:%M}Z)"


def find(
    engine: Engine,
    name_or_uid: str,
    *,
    namespace: str | None = None,
    cluster_id: str | None = None,
    revision: int | None = None,
) -> Sequence[Archived]:
    """The objects of this uid, or else of this name, each at one revision; youngest object first.

    A name may stand for several: it is used again after a deletion, in other namespaces and in
    other clusters. What is of an unknown cluster comes last: it may be the same object as one of a
    known cluster, and nothing says which state of the two is the later one, but the archiver read
    only the latter from its API server. `cluster_id` is a UUID. `revision` is the newest one unless
    given. Raises Unavailable, and Configuration where the schema is not this release's.
    """
    if "\0" in name_or_uid:
        return []
    chosen = _r.revision == revision if revision is not None else _is_newest()
    where: list[ColumnElement[bool]] = [chosen]
    if namespace is not None:
        where.append(_r.namespace == namespace)
    if cluster_id is not None:
        where.append(_r.cluster_id == UUID(cluster_id))
    columns = [_r[name] for name in Archived.__slots__]
    order = (_r.cluster_id == _UNKNOWN, _r.created_at.desc(), _r.cluster_id, _r.uid)
    with connected(engine) as connection:
        require_schema(connection)
        require_all_rows(connection)
        # What finds a few rows by an index is planned longer than it runs, and sooner without them.
        connection.execute(text("SET LOCAL enable_partitionwise_join = off"))
        for this in (_r.uid == name_or_uid, _r.name == name_or_uid):
            rows = connection.execute(select(*columns).where(this, *where).order_by(*order))
            if found := [Archived.from_row(row) for row in rows.mappings()]:
                return found
    return []


def find_quarantined(
    engine: Engine,
    name: str,
    *,
    uid: str,
    namespace: str | None = None,
    cluster_id: str | None = None,
) -> Sequence[Kept]:
    """The latest of what is in the quarantine under this name or uid, as far as its bytes said.

    `cluster_id` is a UUID; of all clusters without one.

    Raises Unavailable, Configuration.
    """
    if "\0" in name + uid:
        return []
    with connected(engine) as connection:
        within = {"namespace": namespace, "cluster_id": cluster_id}
        wanted = {"name": name, "uid": uid, "most": _MOST_KEPT} | within
        return [Kept(*row) for row in connection.execute(_KEPT, wanted)]


def _is_newest() -> ColumnElement[bool]:
    later = revision.alias("later")
    return ~(
        select(later.c.uid)
        .where(
            later.c.created_at == _r.created_at,
            later.c.cluster_id == _r.cluster_id,
            later.c.uid == _r.uid,
            later.c.revision > _r.revision,
            later.c.revision > 0,
        )
        .exists()
    )
