"""The port Store on PostgreSQL: insert-only revisions, durable or not confirmed."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from uuid import UUID

from sqlalchemy import Engine, select

from archiver.db import proof, schema
from archiver.db.deadline import A_MINUTE, Limit
from archiver.db.insertion import Insertion, MonthGone, NotTogether
from archiver.db.manifest import write_manifest
from archiver.db.months import Months, month_of
from archiver.db.newest import Newest, find_newest, is_stored
from archiver.db.patience import A_FAILOVER, Patience
from archiver.db.pretence import Pretence
from archiver.db.quarantine import keep as keep_quarantined
from archiver.db.transaction import connected, driver_of, transaction
from archiver.domain.metadata import Key
from archiver.domain.record import AuditRecord
from archiver.errors import Configuration, Integrity, Unavailable
from archiver.ports import Batch, Written


class PostgresStore:
    """`archiver.ports.Store` on the schema `archive`.

    `rollback`: a dry run on the server. Everything is done but ROLLBACK takes the place of COMMIT,
    and `newest` answers as if the rows were there. `limit` bounds the statements of a transaction
    together, and the COMMIT, which may wait for a standby. `patience` is how long an operation is
    tried again while the server is away.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        rollback: bool = False,
        limit: Limit = A_MINUTE,
        patience: Patience = A_FAILOVER,
    ) -> None:
        self._engine = engine
        self._rollback = rollback
        self._limit = limit
        self._patience = patience
        self._months = Months(engine, limit=limit)
        self._pretence = Pretence()

    @property
    def store_id(self) -> str:
        """The UUID that the migration gave this store. Raises Unavailable and Configuration."""
        return self._store_id

    @cached_property
    def _store_id(self) -> str:
        return self._patience.attempt("store_id", self._read_store_id)

    def newest(self, cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        """uid → content_sha256 of the newest revision, in hex digits; in one new statement.

        Raises Unavailable and Configuration.
        """
        cluster = _uuid(cluster_id)
        found = self._patience.attempt("newest", lambda: self._find_newest(cluster, keys))
        pretended = self._pretence.revisions(cluster)
        merged = {**found, **{key.uid: pretended[key] for key in keys if key in pretended}}
        return {uid: newest.digest for uid, newest in merged.items()}

    def holds(self, cluster_id: str, key: Key, digest: str) -> bool:
        """Whether any revision of the object has this digest. Raises Unavailable, Configuration."""
        cluster = _uuid(cluster_id)
        pretended = self._pretence.revisions(cluster).get(key)
        if pretended is not None and pretended.digest == digest:
            return True
        return self._patience.attempt("holds", lambda: self._is_stored(cluster, key, digest))

    def write(self, batch: Batch) -> Written:
        """Store a batch in one transaction; on return it is durable.

        Where the outcome of a COMMIT is unknown it is written again, which inserts nothing that is
        there. A batch that needs no row still commits: that confirms the rows which an earlier
        attempt left without the standby's word. Raises Unavailable, Configuration, Integrity.
        """
        # The batches of attempts that may have been committed after all.
        own: set[UUID] = set()
        return self._patience.attempt("write", lambda: self._write(batch, own))

    def prove(self) -> None:
        """Insert one made-up row into each table, and roll it back. Leaves nothing behind.

        Raises Forbidden if the right is missing, Configuration and Unavailable.
        """
        batch = proof.batch()
        written = self._transact(batch, set(), keep=False, together=False)
        if written.refused or not written.inserted or not written.quarantined:
            why = "; ".join(written.refused.values()) or "a trigger or a rule swallows it"
            raise Integrity(f"the database does not keep a row that is inserted: {why}")

    def _read_store_id(self) -> str:
        with connected(self._engine, limit=self._limit) as connection:
            found = connection.scalar(select(schema.store.c.store_id))
        if found is None:
            raise Configuration(
                "archive.store is empty: restore its row from a backup of this database; it is "
                "never made anew, because each mark names the store"
            )
        return str(found)

    def _find_newest(self, cluster: UUID, keys: Sequence[Key]) -> Mapping[str, Newest]:
        with connected(self._engine, limit=self._limit) as connection:
            return find_newest(driver_of(connection), cluster, keys)

    def _is_stored(self, cluster: UUID, key: Key, digest: str) -> bool:
        with connected(self._engine, limit=self._limit) as connection:
            return is_stored(driver_of(connection), cluster, key, digest)

    def _write(self, batch: Batch, own: set[UUID]) -> Written:
        if not self._rollback:
            self._months.ensure(record.created_at for record in batch.records)
        keep = not self._rollback
        try:
            try:
                return self._transact(batch, own, keep=keep, together=True)
            except NotTogether:
                return self._transact(batch, own, keep=keep, together=False)
        except MonthGone:
            self._months.forget()
            raise Unavailable("a month of the archive was dropped while rows went in") from None

    def _transact(self, batch: Batch, own: set[UUID], *, keep: bool, together: bool) -> Written:
        cluster = _uuid(batch.cluster_id)
        with transaction(self._engine, limit=self._limit, keep=keep) as opened:
            connection = opened.connection
            if not keep:
                times = (record.created_at for record in batch.records)
                self._months.ensure_within(connection, times)
            pretended = self._pretence.revisions(cluster)
            insertion = Insertion.begin(opened, batch, cluster, pretended)
            insert = insertion.together if together else insertion.one_by_one
            insert(self._storable(insertion, batch.records))
            insertion.require_kept()
            write_manifest(opened.driver, insertion.envelope, insertion.rows)
            unseen = self._pretence.unseen(cluster, batch.quarantined)
            quarantined = keep_quarantined(connection, insertion.envelope, unseen)
            earlier = frozenset(own)
            own.add(insertion.envelope.batch_id)
        if self._rollback:
            self._pretence.remember(cluster, insertion.made(), batch.quarantined)
        return insertion.written(quarantined, earlier)

    def _storable(
        self, insertion: Insertion, records: Sequence[AuditRecord]
    ) -> Sequence[AuditRecord]:
        """Without those of absurd months and of other births, in the order of the primary key."""
        for record in records:
            if why := self._months.refused.get(month_of(record.created_at)):
                insertion.refused[record.key.uid] = why
        kept = (record for record in records if record.key.uid not in insertion.refused)
        return sorted(kept, key=lambda record: (record.key.created_at, record.key.uid))


def _uuid(cluster_id: str) -> UUID:
    try:
        return UUID(cluster_id)
    except ValueError:
        raise Configuration(f"the cluster id {cluster_id!r} is no UUID") from None
