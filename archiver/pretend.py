"""A client-side dry run: the same pipeline, with a store and a marker that only read."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from archiver.domain.mark import Mark
from archiver.domain.metadata import Key, PartialObject
from archiver.ports import Batch, MarkOutcome, Store, Written


class PretendStore:
    """Answers as if everything that was written to it were stored, and writes nothing.

    What it pretends to hold is kept for the batch alone, so that memory stays flat.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pretended: Mapping[str, str] = {}

    @property
    def store_id(self) -> str:
        """The identity of the real store."""
        return self._store.store_id

    def newest(self, cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        """What the store holds, beneath what the last batch would have added."""
        uids = {key.uid for key in keys}
        pretended = {uid: d for uid, d in self._pretended.items() if uid in uids}
        return {**self._store.newest(cluster_id, keys), **pretended}

    def holds(self, cluster_id: str, key: Key, digest: str) -> bool:
        """Whether the store holds it; of what it would have added, nothing is asked later."""
        return self._store.holds(cluster_id, key, digest)

    def write(self, batch: Batch) -> Written:
        """Write nothing; say which records the store does not hold yet."""
        keys = [record.key for record in batch.records]
        known = self._store.newest(batch.cluster_id, keys) if keys else {}
        self._pretended = {record.key.uid: record.content_sha256 for record in batch.records}
        # Which revision it would be is not asked for: only whether it would be the first.
        new = {
            uid: int(uid in known)
            for uid, digest in self._pretended.items()
            if known.get(uid) != digest
        }
        return Written(inserted=new, quarantined=len(batch.quarantined))


class PretendMarker:
    """Marks nothing, and says it did."""

    def mark(self, resource: PartialObject, mark: Mark) -> "Future[MarkOutcome]":
        """Always marked: what the API server would say is for `--dry-run=server` to find out."""
        del resource, mark
        done: Future[MarkOutcome] = Future()
        done.set_result(MarkOutcome.MARKED)
        return done
