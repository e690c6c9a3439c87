"""A custom resource as the API server sent it: the bytes, and a typed view of its head."""

import re
from contextlib import suppress
from typing import Any, Final, TypedDict

import msgspec

from archiver.domain import canonical, gotime
from archiver.domain.metadata import Key, Metadata, OwnerReference, PartialObject
from archiver.errors import Unreadable

# The API server's own uids are 36 characters; the column refuses more than this.
MAX_UID_BYTES = 128
# 2018-01-01T00:00:00Z: before custom resources had status subresources, so surely a broken value.
EARLIEST = 1_514_764_800_000_000_000


class DecisiveStatus(TypedDict, total=False):
    """The part of status that `shapes` reads to tell whether an object is due, as it stands."""

    phase: Any
    completionTime: Any
    completedAt: Any


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""
    metadata: Metadata = Metadata()
    status: DecisiveStatus | list[Any] | str | int | float | bool | msgspec.UnsetType | None = (
        msgspec.UNSET
    )


_DECISIVE: Final = frozenset(DecisiveStatus.__annotations__)
_decode: Final = msgspec.json.Decoder().decode
_decode_head: Final = msgspec.json.Decoder(_Head).decode
# U+0000 has no place in PostgreSQL's text, a lone surrogate none in UTF-8.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class CustomResource(PartialObject, frozen=True):
    """One object: its exact bytes and its typed head.

    `decisive` has status, where there is one, as a plain Python value cut down to `DecisiveStatus`.
    """

    raw: bytes
    decisive: dict[str, Any]

    @property
    def tree(self) -> dict[str, Any]:
        """The whole object as plain Python values, decoded anew each time: it is large.

        Numbers may have lost their literal, so evidence is never made from it but from `raw`
        (`domain.evidence`). Raises Unreadable where a number is beyond a double, or too long.
        """
        return _tree(self.raw, str(self))


def parse(raw: bytes, *, position: str, api_version: str = "", kind: str = "") -> CustomResource:
    """One object from its JSON bytes; `api_version` and `kind` are the list's, for items without.

    Reads no more closely than decisions need: that it is JSON, and the head. Whether the bytes have
    a canonical form shows in `domain.evidence`, once the object is due. `position` names the object
    in errors where its own name cannot be read. Raises Unreadable.
    """
    beside = (position, api_version, kind)
    head = _read_head(raw)
    if head is not None:
        with suppress(Unreadable):
            return _resource(raw, head, *beside)
    return _resource(raw, _head(raw, position), *beside)


def _resource(raw: bytes, head: _Head, *beside: str) -> CustomResource:
    position, api_version, kind = beside
    metadata = head.metadata
    api_version, kind = head.api_version or api_version, head.kind or kind
    _require_identity(metadata, position)
    _require_storable(position, metadata.uid, metadata.name, metadata.namespace, api_version, kind)
    return CustomResource(
        api_version,
        kind,
        metadata,
        Key(metadata.uid, _created_at(metadata, position)),
        raw,
        {} if head.status is msgspec.UNSET else {"status": head.status},
    )


def _read_head(raw: bytes) -> _Head | None:
    """None where only the whole tree tells.

    msgspec checks that what it passes over is JSON, except for UTF-8 and the size of numbers.
    """
    try:
        head = _decode_head(raw)
        if not raw.isascii():
            raw.decode()
    except (ValueError, RecursionError):
        return None
    return head


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


def _head(raw: bytes, position: str) -> _Head:
    tree = _tree(raw, position)
    try:
        try:
            return msgspec.convert(tree, _Head)
        except UnicodeEncodeError:  # a lone surrogate in some key beside the ones that are read
            return msgspec.convert(_known_fields(tree, _Head), _Head)
    except msgspec.ValidationError as error:
        raise Unreadable(
            "bad-metadata", f"{position}: metadata is not as meta/v1: {error}"
        ) from None


def _known_fields(value: Any, struct: type[msgspec.Struct]) -> Any:
    if not isinstance(value, dict):
        return value
    known = {name: value[name] for name in struct.__struct_encode_fields__ if name in value}
    if "metadata" in known:
        known["metadata"] = _known_fields(known["metadata"], Metadata)
    if isinstance(status := known.get("status"), dict):
        known["status"] = {name: status[name] for name in _DECISIVE if name in status}
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
    if _UNSTORABLE.search("".join(texts)):
        value = next(text for text in texts if _UNSTORABLE.search(text))
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
