"""The mark: what the archiver writes on an object whose evidence is durably stored."""

from datetime import datetime
from typing import Any

import msgspec

from archiver.domain.metadata import Metadata

PREFIX = "archiver.kubernaut.io/"
STATE_LABEL = PREFIX + "state"
ARCHIVED = "archived"
FINALIZER = PREFIX + "archive"
DIGEST = PREFIX + "digest"
UID = PREFIX + "uid"
PHASE = PREFIX + "phase"
STORE = PREFIX + "store"
RUN = PREFIX + "run"
ARCHIVED_AT = PREFIX + "archived-at"
# All that is ours on an object. Other keys of the prefix are somebody's own words.
LABELS = frozenset({STATE_LABEL})
ANNOTATIONS = frozenset({DIGEST, UID, PHASE, STORE, RUN, ARCHIVED_AT})


class Mark(msgspec.Struct, frozen=True):
    """One mark. `digest` is 64 lower-case hex digits, `phase` trimmed and in lower case."""

    digest: str
    uid: str
    phase: str
    store_id: str
    run_id: str
    archived_at: datetime

    def says_the_same_as(self, metadata: Metadata) -> bool:
        """Whether the object carries this mark already.

        Run and time are circumstances. The guard's policy reads uid and phase, selectors read the
        label: all of them must be right for the mark to do its work.
        """
        annotations = metadata.annotations or {}
        return (
            (metadata.labels or {}).get(STATE_LABEL) == ARCHIVED
            and annotations.get(DIGEST) == self.digest
            and annotations.get(UID) == self.uid
            and annotations.get(PHASE) == self.phase
            and annotations.get(STORE) == self.store_id
            and FINALIZER not in (metadata.finalizers or ())
        )


def carries_mark_of(metadata: Metadata, store_id: str) -> bool:
    """Whether some mark of this store is on this very object, whatever digest it names."""
    annotations = metadata.annotations or {}
    return annotations.get(STORE) == store_id and annotations.get(UID) == metadata.uid


def merge_patch(metadata: Metadata, mark: Mark) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that writes `mark` on the object with this metadata.

    uid and resourceVersion are preconditions: the API server answers 409 where either is no
    longer true. A null there would drop the precondition in silence, so it is refused here.
    The finalizer, where the object carries ours, is removed by the same patch: a list is replaced
    whole in a merge patch, which is safe under the resourceVersion.

    Raises ValueError if uid or resourceVersion is empty.
    """
    if not metadata.uid or not metadata.resource_version:
        raise ValueError(
            f"{metadata.namespace}/{metadata.name} has no uid or no resourceVersion "
            f"({metadata.uid!r}, {metadata.resource_version!r}): a mark without both could land "
            "on another object of that name"
        )
    patched: dict[str, Any] = {
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
        "labels": {STATE_LABEL: ARCHIVED},
        "annotations": {
            DIGEST: mark.digest,
            UID: mark.uid,
            PHASE: mark.phase,
            STORE: mark.store_id,
            RUN: mark.run_id,
            ARCHIVED_AT: mark.archived_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }
    if FINALIZER in (metadata.finalizers or ()):
        patched["finalizers"] = [f for f in metadata.finalizers or () if f != FINALIZER]
    return {"metadata": patched}
