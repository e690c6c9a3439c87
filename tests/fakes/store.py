"""A store in memory, for tests of what stands before it. The contract suite holds for it too."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archiver.domain.metadata import Key
from archiver.domain.record import AuditRecord
from archiver.ports import Batch, Quarantined, Written


@dataclass(slots=True)
class MemoryStore:
    """`archiver.ports.Store` in two dictionaries.

    `revisions` are (cluster_id, uid) → records, oldest first; `quarantine` (cluster_id, SHA-256) →
    the first object with these bytes. `writes` counts transactions. `swallow` names uids whose
    insert does nothing, as under a trigger; `failures` are raised by the next calls of `write`.
    """

    store_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    revisions: dict[tuple[str, str], list[AuditRecord]] = field(default_factory=dict)
    quarantine: dict[tuple[str, bytes], Quarantined] = field(default_factory=dict)
    writes: int = 0
    swallow: set[str] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)

    def newest(self, cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        """uid → digest of the newest revision."""
        found = {key.uid: self._stored(cluster_id, key) for key in keys}
        return {uid: stored[-1].content_sha256 for uid, stored in found.items() if stored}

    def holds(self, cluster_id: str, key: Key, digest: str) -> bool:
        """Whether a revision has this digest."""
        return any(one.content_sha256 == digest for one in self._stored(cluster_id, key))

    def _stored(self, cluster_id: str, key: Key) -> list[AuditRecord]:
        of_uid = self.revisions.get((cluster_id, key.uid), [])
        return [one for one in of_uid if one.key.created_at == key.created_at]

    def write(self, batch: Batch) -> Written:
        """Store a batch, by the rule of the archive."""
        if self.failures:
            raise self.failures.pop(0)
        self.writes += 1
        inserted: dict[str, int] = {}
        stale, unordered, swallowed = set(), set(), set()
        refused: dict[str, str] = {}
        for record in batch.records:
            uid = record.key.uid
            of_uid = self.revisions.get((batch.cluster_id, uid), [])
            stored = self._stored(batch.cluster_id, record.key)
            if of_uid and not stored and not batch.live:
                born = [f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}" for one in (record, of_uid[-1])]
                refused[uid] = f"created at {born[0]}, and stored as created at {born[1]}"
                continue
            if stored and stored[-1].content_sha256 == record.content_sha256:
                continue
            later = not stored or record.resource_version > stored[-1].resource_version
            if not (later or uid in batch.reread):
                stale.add(uid)
                is_older = 0 < record.resource_version < stored[-1].resource_version
                if not is_older and record.content_sha256 not in _digests(stored):
                    unordered.add(uid)
            elif uid in self.swallow:
                swallowed.add(uid)
            else:
                number = inserted[uid] = len(stored)
                row = record.as_revision(number, live=batch.live)
                self.revisions[batch.cluster_id, uid] = [*of_uid, row]
        kept = self._keep(batch)
        return Written(
            inserted,
            frozenset(stale),
            kept,
            refused,
            frozenset(unordered),
            frozenset(swallowed),
        )

    def _keep(self, batch: Batch) -> int:
        before = len(self.quarantine)
        for item in batch.quarantined:
            digest = hashlib.sha256(item.raw).digest()
            self.quarantine.setdefault((batch.cluster_id, digest), item)
        return len(self.quarantine) - before


def _digests(stored: Sequence[AuditRecord]) -> set[str]:
    return {record.content_sha256 for record in stored}
