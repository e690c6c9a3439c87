"""What a dry run would have stored, so that it goes on as if it had."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final
from uuid import UUID

from archiver.db.newest import Newest
from archiver.domain.metadata import Key
from archiver.ports import Quarantined

_REMEMBERED: Final = 50_000


class Pretence:
    """Empty in a real run. Per cluster: object → revision, and the digests of quarantined bytes."""

    def __init__(self) -> None:
        self._revisions: defaultdict[UUID, dict[Key, Newest]] = defaultdict(dict)
        self._quarantined: defaultdict[UUID, set[bytes]] = defaultdict(set)

    def revisions(self, cluster_id: UUID) -> Mapping[Key, Newest]:
        """Object → the revision that would be the newest."""
        return self._revisions[cluster_id]

    def unseen(self, cluster_id: UUID, items: Sequence[Quarantined]) -> Sequence[Quarantined]:
        """Those whose bytes would not be in the quarantine yet."""
        seen = self._quarantined[cluster_id]
        return [item for item in items if _digest(item) not in seen]

    def remember(
        self, cluster_id: UUID, revisions: Mapping[Key, Newest], items: Sequence[Quarantined]
    ) -> None:
        """A transaction that was rolled back has inserted these."""
        kept = self._revisions[cluster_id]
        kept.update(revisions)
        # Memory stays flat: fewer than these wait for their marks, and may be asked for again.
        for key in list(islice(kept, max(0, len(kept) - _REMEMBERED))):
            del kept[key]
        self._quarantined[cluster_id].update(map(_digest, items))


def _digest(item: Quarantined) -> bytes:
    return hashlib.sha256(item.raw).digest()
