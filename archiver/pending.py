"""What a run holds of an object between its row and its mark: all that a mark takes, and no more.

Rows are stored faster than marks are made, so that a long run has many such objects. With its
content an object takes 10 KB, without it and packed a hundred bytes.
"""

from dataclasses import dataclass, field

import msgspec

from archiver.domain.mark import DIGEST, FINALIZER, Mark, carries_mark_of
from archiver.domain.metadata import Metadata, PartialObject
from archiver.domain.plan import Archive, Cause


class Pending(PartialObject, frozen=True):
    """An object whose row was read back. Its metadata are cut down to what a mark is made from.

    `replaces_mark`: it carries a mark of this store already, with another digest.
    """

    mark: Mark
    cause: Cause
    replaces_mark: bool

    @property
    def digest(self) -> str:
        """The SHA-256 of its evidence in hex digits."""
        return self.mark.digest


class Waiting(msgspec.Struct, frozen=True):
    """The objects of one transaction: those that may be marked, and those to be read again first.

    `stale` and `revised` are as in `Stored`.
    """

    confirmed: list[Pending] = []
    again: list[Pending] = []
    stale: dict[str, str] = {}
    revised: set[str] = set()


@dataclass(frozen=True, slots=True)
class Stored:
    """What may be marked now, and what has to be read again first.

    `stale`: uid → the resourceVersion that the archive takes for outdated; where the server gives
    the very same one again, it is the archive that is ahead (a cluster restored from a backup).
    `revised`: the digests of those confirmed that were inserted after another state of the object.
    """

    confirmed: list[Archive] = field(default_factory=list)
    again: list[Archive] = field(default_factory=list)
    stale: dict[str, str] = field(default_factory=dict)
    revised: set[str] = field(default_factory=set)

    def waiting(self) -> Waiting:
        """The same without the content of objects."""
        return Waiting(
            [_pending(archive) for archive in self.confirmed],
            [_pending(archive) for archive in self.again],
            self.stale,
            self.revised,
        )


def _pending(archive: Archive) -> Pending:
    resource, mark = archive.resource, archive.mark
    metadata = resource.metadata
    finalizers = metadata.finalizers or ()
    before = (metadata.annotations or {}).get(DIGEST)
    return Pending(
        resource.api_version,
        resource.kind,
        Metadata(
            name=metadata.name,
            namespace=metadata.namespace,
            uid=metadata.uid,
            resource_version=metadata.resource_version,
            generation=metadata.generation,
            # The patch says which ones stay, where it takes ours away.
            finalizers=metadata.finalizers if FINALIZER in finalizers else None,
        ),
        resource.key,
        mark,
        archive.cause,
        # Not by its cause: what is due besides has a more urgent one.
        replaces_mark=carries_mark_of(metadata, mark.store_id) and before != mark.digest,
    )
