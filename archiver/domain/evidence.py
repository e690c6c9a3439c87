"""Divides an object into evidence, which is digested, and circumstances, which are only kept.

Evidence is identity (apiVersion, kind, name, namespace, uid, creationTimestamp), spec, status and
whatever else stands beside metadata. Circumstances are the rest of metadata. A foreign label, a
starting deletion or an orphaning changes circumstances alone and makes no new revision.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from archiver.domain import canonical
from archiver.domain.custom_resource import CustomResource
from archiver.domain.mark import FINALIZER, PREFIX
from archiver.errors import Unreadable

IDENTITY: Final = ("creationTimestamp", "name", "namespace", "uid")
# managedFields and resourceVersion change with every write, our own mark's included.
VOLATILE: Final = frozenset({"managedFields", "resourceVersion"})

_PARTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_encode: Final = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Evidence:
    """Canonical bytes of both parts; `digest` is the SHA-256 of `content` in hex digits."""

    content: bytes
    digest: str
    circumstances: bytes


def evidence(resource: CustomResource) -> Evidence:
    """The evidence of an object, made from its bytes and not from the decoded tree.

    Raises Unreadable where the bytes have no canonical form (too deep, a number out of range, …).
    """
    try:
        whole = canonical.canonical(resource.raw)
    except canonical.NotCanonical as error:
        raise Unreadable(error.reason, f"{resource}: {error}") from None
    parts: dict[str, bytes | msgspec.Raw] = dict(_PARTS.decode(whole))
    metadata = _PARTS.decode(parts["metadata"])
    # Items of a list may leave both to the list.
    parts["apiVersion"] = _encode(resource.api_version)
    parts["kind"] = _encode(resource.kind)
    parts["metadata"] = _object((key, metadata[key]) for key in IDENTITY if key in metadata)
    content = _object(sorted(parts.items()))
    return Evidence(content, canonical.sha256_hex(content), _circumstances(metadata))


def _circumstances(metadata: Mapping[str, msgspec.Raw]) -> bytes:
    kept: dict[str, bytes | msgspec.Raw] = {
        key: value
        for key, value in metadata.items()
        if key not in VOLATILE and key not in IDENTITY
    }
    for key in ("annotations", "labels"):
        if key in kept:
            kept[key] = _object(
                (k, v) for k, v in (_PARTS.decode(kept[key]) or {}).items() if not k.startswith(PREFIX)
            )
    if "finalizers" in kept:
        ours = _encode(FINALIZER)
        kept["finalizers"] = _array(v for v in _ITEMS.decode(kept["finalizers"]) if bytes(v) != ours)
    return _object((k, v) for k, v in sorted(kept.items()) if bytes(v) not in (b"{}", b"[]"))


def _object(members: Iterable[tuple[str, bytes | msgspec.Raw]]) -> bytes:
    return b"{%s}" % b",".join(b"%s:%s" % (_encode(key), bytes(value)) for key, value in members)


def _array(items: Iterable[msgspec.Raw]) -> bytes:
    return b"[%s]" % b",".join(map(bytes, items))


def size_at(content: bytes, path: str) -> int | None:
    """The number of bytes of the canonical JSON at a dotted path of objects; None without one."""
    part = content
    for name in path.split("."):
        if not part.startswith(b"{"):
            return None
        found = _PARTS.decode(part).get(name)
        if found is None:
            return None
        part = bytes(found)
    return None if part in (b"null", b'""') else len(part)
