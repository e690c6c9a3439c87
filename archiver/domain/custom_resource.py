"""A custom resource as the API server sent it: the bytes, and a typed view of its head."""

import re
from dataclasses import dataclass
from typing import Any, Final

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


_decode: Final = msgspec.json.Decoder().decode
# U+0000 has no place in PostgreSQL's text, a lone surrogate none in UTF-8.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


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

    Reads no more closely than decisions need: whether the bytes have a canonical form shows in
    `domain.evidence`, once the object is due. `position` names the object in errors where its own
    name cannot be read. Raises Unreadable.
    """
    tree = _tree(raw, position)
    try:
        head = _head(tree)
    except msgspec.ValidationError as error:
        raise Unreadable(
            "bad-metadata", f"{position}: metadata is not as meta/v1: {error}"
        ) from None
    metadata = head.metadata
    api_version, kind = head.api_version or api_version, head.kind or kind
    _require_identity(metadata, position)
    _require_storable(position, metadata.uid, metadata.name, metadata.namespace, api_version, kind)
    return CustomResource(
        raw=raw,
        api_version=api_version,
        kind=kind,
        metadata=metadata,
        key=Key(metadata.uid, _created_at(metadata, position)),
        tree=tree,
    )


def _tree(raw: bytes, position: str) -> dict[str, Any]:
    try:
        tree = _decode(raw)
    except (ValueError, RecursionError):
        tree = _exact_tree(raw, position)
    if not isinstance(tree, dict):
        raise Unreadable("not-json", f"{position}: {raw[:20]!r} is no JSON object")
    return tree


def _exact_tree(raw: bytes, position: str) -> Any:
    """For lone surrogates, which msgspec refuses; whatever else it refuses is named here."""
    try:
        return canonical.decode_tree(raw)
    except canonical.NotCanonical as error:
        raise Unreadable(error.reason, f"{position}: {error}") from None


def _head(tree: dict[str, Any]) -> _Head:
    try:
        return msgspec.convert(tree, _Head)
    except UnicodeEncodeError:  # a lone surrogate in some key beside the ones that are read
        return msgspec.convert(_known_fields(tree, _Head), _Head)


def _known_fields(value: Any, struct: type[msgspec.Struct]) -> Any:
    if not isinstance(value, dict):
        return value
    known = {name: value[name] for name in struct.__struct_encode_fields__ if name in value}
    if "metadata" in known:
        known["metadata"] = _known_fields(known["metadata"], Metadata)
    owners = known.get("ownerReferences")
    if isinstance(owners, list):
        known["ownerReferences"] = [_known_fields(owner, OwnerReference) for owner in owners]
    return known


def _require_identity(metadata: Metadata, position: str) -> None:
    if not metadata.uid or not metadata.name:
        what = "uid" if metadata.name else "name"
        raise Unreadable(
            f"no-{what}", f"{position}: metadata.{what} is missing; it is never invented"
        )
    if len(metadata.uid.encode("utf-8", "surrogatepass")) > MAX_UID_BYTES:
        shown = metadata.uid[:40]
        raise Unreadable(
            "uid-too-long", f"{position}: uid {shown!r}… has over {MAX_UID_BYTES} bytes"
        )


def _require_storable(position: str, *texts: str) -> None:
    for value in texts:
        if _UNSTORABLE.search(value):
            raise Unreadable(
                "unstorable-identity",
                f"{position}: U+0000 or a lone surrogate in {value[:80]!r}, which no key can hold",
            )


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
            f"{position}: creationTimestamp {text} is before 2018, where the archive begins",
        )
    return created
