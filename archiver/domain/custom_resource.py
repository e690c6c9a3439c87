"""A custom resource as the API server sent it: the bytes, and a typed view of its head."""

from dataclasses import dataclass
from typing import Any

import msgspec

from archiver.errors import Unreadable

# The API server's own uids are 36 characters; the column refuses more than this.
MAX_UID_BYTES = 128


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """metadata.ownerReferences[] (meta/v1)."""

    kind: str
    name: str
    uid: str
    api_version: str = ""
    controller: bool | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """The part of meta/v1 ObjectMeta that decisions are made on. Times are RFC 3339 text."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    generation: int = 0
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    owner_references: list[OwnerReference] | None = None


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""
    metadata: Metadata = Metadata()


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Key:
    """What identifies one object for ever: a name is used again, a uid is not.

    `created_at` (nanoseconds since the epoch) never changes for a uid, and says which monthly
    partition holds its revisions.
    """

    uid: str
    created_at: int


@dataclass(frozen=True, slots=True)
class CustomResource:
    """One object: its exact bytes and its typed head.

    `tree` is the object as plain Python values, for reading fields; numbers in it may have lost
    their literal, so evidence is never made from it but from `raw` (`domain.evidence`).
    """

    raw: bytes
    api_version: str
    kind: str
    metadata: Metadata
    key: Key
    tree: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name} (uid {self.metadata.uid})"
