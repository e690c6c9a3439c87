"""Divides an object into evidence, which is digested, and circumstances, which are only kept.

Evidence is identity (apiVersion, kind, name, namespace, uid, creationTimestamp), spec, status and
whatever else stands beside metadata. Circumstances are the rest of metadata. A foreign label, a
starting deletion or an orphaning changes circumstances alone and makes no new revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from archiver.domain import canonical
from archiver.domain.custom_resource import CustomResource
from archiver.domain.mark import ANNOTATIONS, FINALIZER, LABELS
from archiver.errors import Unreadable

IDENTITY: Final = ("creationTimestamp", "name", "namespace", "uid")
# managedFields and resourceVersion change with every write, our own mark's included.
VOLATILE: Final = frozenset({"managedFields", "resourceVersion"})

_NOT_KEPT: Final = VOLATILE | set(IDENTITY)
# Taking our mark away may leave nothing, and nothing is written as null by some clients.
_EMPTY: Final = (b"{}", b"[]", b"null")
_OURS: Final = canonical.canonical_text(FINALIZER)


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
        whole = canonical.canonical(resource.raw, resource.tree)
    except canonical.NotCanonical as error:
        raise Unreadable(error.reason, f"{resource}: {error}") from None
    parts = canonical.members(whole)
    metadata = canonical.members(parts["metadata"])
    # Items of a list may leave both to the list.
    parts["apiVersion"] = canonical.canonical_text(resource.api_version)
    parts["kind"] = canonical.canonical_text(resource.kind)
    parts["metadata"] = canonical.canonical_object(
        {key: metadata[key] for key in IDENTITY if key in metadata}
    )
    content = canonical.canonical_object(parts)
    return Evidence(content, canonical.sha256_hex(content), _circumstances(metadata))


def _circumstances(metadata: Mapping[str, bytes]) -> bytes:
    kept = {key: value for key, value in metadata.items() if key not in _NOT_KEPT}
    for key, ours in (("annotations", ANNOTATIONS), ("labels", LABELS)):
        if kept.get(key, b"null") != b"null":
            kept[key] = _without(ours, kept[key])
    if kept.get("finalizers", b"null") != b"null":
        finalizers = canonical.elements(kept["finalizers"])
        kept["finalizers"] = canonical.canonical_array(f for f in finalizers if f != _OURS)
    return canonical.canonical_object({k: v for k, v in kept.items() if v not in _EMPTY})


def _without(ours: frozenset[str], texts: bytes) -> bytes:
    others = canonical.members(texts).items()
    return canonical.canonical_object({k: v for k, v in others if k not in ours})


def size_at(content: bytes, path: str) -> int | None:
    """The number of bytes of the canonical JSON at a dotted path of objects; None without one."""
    part = content
    for name in path.split("."):
        if not part.startswith(b"{"):
            return None
        found = canonical.members(part).get(name)
        if found is None:
            return None
        part = found
    return None if part in (b"null", b'""') else len(part)
