"""What names an object and what decisions on it are made from, after meta/v1."""

import msgspec


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """metadata.ownerReferences[] (meta/v1)."""

    kind: str
    name: str
    uid: str
    api_version: str = ""
    controller: bool | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
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


class Key(msgspec.Struct, frozen=True):
    """What identifies one object for ever: a name is used again, a uid is not.

    `created_at` (nanoseconds since the epoch) never changes for a uid, and says which monthly
    partition holds its revisions.
    """

    uid: str
    created_at: int


class PartialObject(msgspec.Struct, frozen=True):
    """An object without its content, as meta/v1 PartialObjectMetadata: enough to read, mark and
    name it.
    """

    api_version: str
    kind: str
    metadata: Metadata
    key: Key

    def __str__(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name} (uid {self.metadata.uid})"
