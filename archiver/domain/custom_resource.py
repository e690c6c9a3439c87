"""A custom resource as the API server sent it: the bytes, and a typed view of its head."""

from dataclasses import dataclass
from typing import Any

import msgspec

from archiver.domain import canonical, gotime
from archiver.errors import Unreadable

# The API server's own uids are 36 characters; the column refuses more than this.
MAX_UID_BYTES = 128
# 2018-01-01T00:00:00Z: before custom resources had status subresources, so surely a broken value.
EARLIEST = 1_514_764_800_000_000_000


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


def parse(raw: bytes, *, position: str, api_version: str = "", kind: str = "") -> CustomResource:
    """One object from its JSON bytes; `api_version` and `kind` are the list's, for items without.

    `position` names the object in errors where its own name cannot be read. Raises Unreadable.
    """
    try:
        head = _HEAD.decode(raw)
        tree = canonical.decode_tree(raw)
    except canonical.NotCanonical as error:
        raise Unreadable(error.reason, f"{position}: {error}") from None
    except RecursionError:
        raise Unreadable("too-deep", f"{position}: nested deeper than can be parsed") from None
    except msgspec.ValidationError as error:
        raise Unreadable("bad-metadata", f"{position}: metadata is not as meta/v1: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable("not-json", f"{position}: {error}") from None
    metadata = head.metadata
    _require_identity(metadata, position)
    return CustomResource(
        raw=raw,
        api_version=head.api_version or api_version,
        kind=head.kind or kind,
        metadata=metadata,
        key=Key(metadata.uid, _created_at(metadata, position)),
        tree=tree,
    )


def _require_identity(metadata: Metadata, position: str) -> None:
    if not metadata.uid or not metadata.name:
        what = "uid" if metadata.name else "name"
        raise Unreadable(f"no-{what}", f"{position}: metadata.{what} is missing; it is never invented")
    if len(metadata.uid.encode("utf-8", "surrogatepass")) > MAX_UID_BYTES:
        shown = metadata.uid[:40]
        raise Unreadable("uid-too-long", f"{position}: uid {shown!r}… has over {MAX_UID_BYTES} bytes")
    for value in (metadata.uid, metadata.name, metadata.namespace):
        if "\0" in value:
            raise Unreadable("nul-in-identity", f"{position}: U+0000 in {value!r}")


def _created_at(metadata: Metadata, position: str) -> int:
    text = metadata.creation_timestamp
    if not text:
        raise Unreadable(
            "no-creation-time", f"{position}: metadata.creationTimestamp is missing; never invented"
        )
    try:
        created = gotime.parse_time(text)
    except gotime.NotATime as error:
        raise Unreadable("bad-creation-time", f"{position}: creationTimestamp: {error}") from None
    if created < EARLIEST:
        raise Unreadable(
            "creation-time-out-of-range",
            f"{position}: creationTimestamp {text} is before 2018, the first month the archive keeps",
        )
    return created
