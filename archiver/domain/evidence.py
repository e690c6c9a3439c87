"""Divides an object into evidence, which is digested, and circumstances, which are only kept.

Evidence is identity (apiVersion, kind, name, namespace, uid, creationTimestamp), spec, status and
whatever else stands beside metadata. Circumstances are the rest of metadata. A foreign label, a
starting deletion or an orphaning changes circumstances alone and makes no new revision.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from archiver.domain import canonical
from archiver.domain.custom_resource import CustomResource
from archiver.domain.mark import ANNOTATIONS, FINALIZER, LABELS, PREFIX
from archiver.errors import Unreadable

IDENTITY: Final = ("creationTimestamp", "name", "namespace", "uid")
# managedFields and resourceVersion change with every write, our own mark's included.
VOLATILE: Final = frozenset({"managedFields", "resourceVersion"})

_NOT_KEPT: Final = VOLATILE | set(IDENTITY)
# Taking our mark away may leave nothing, and nothing is written as null by some clients.
_EMPTY: Final = (b"{}", b"[]", b"null")
_NOTHING: Final[tuple[Any, ...]] = ({}, [], None)
_OURS: Final = canonical.canonical_text(FINALIZER)
_PREFIX: Final = PREFIX.encode()


class Evidence(msgspec.Struct, frozen=True):
    """Canonical bytes of both parts; `digest` is the SHA-256 of `content` in hex digits.

    `tree` is the evidence as plain Python values, for reading fields; numbers in it may have lost
    their literal. `shortest` is that of `canonical.Decoded`, for both parts.
    """

    content: bytes
    digest: str
    circumstances: bytes
    tree: dict[str, Any]
    shortest: bool = False

    @property
    def fits_jsonb(self) -> bool:
        """Whether PostgreSQL's jsonb holds both parts as they are."""
        parts = (self.content, self.circumstances)
        numbers_fit = self.shortest or not any(map(canonical.exceeds_numeric, parts))
        return numbers_fit and not any(map(canonical.lossy, parts))


_Members: TypeAlias = Mapping[str, canonical.Bytes]


def evidence(resource: CustomResource) -> Evidence:
    """The evidence of an object, made from its bytes.

    Raises Unreadable where the bytes have no canonical form (too deep, a number out of range, …).
    What managedFields hold is not looked at where the bytes are compact, as the API server's are:
    neither part has it.
    """
    taken = _take_apart(resource)
    if taken is not None:
        with suppress(canonical.NotCanonical):
            return _evidence(resource, *taken)
    # From the whole, which says at which byte it is refused.
    try:
        parts = canonical.members(canonical.canonical(resource.raw))
        return _evidence(resource, parts, canonical.members(parts["metadata"]))
    except canonical.NotCanonical as error:
        raise Unreadable(error.reason, f"{resource}: {error}") from None


def has_digest(resource: CustomResource, digest: str) -> bool:
    """Whether `digest`, if it is that of some evidence at all, is this object's: by hashing alone.

    Equal hashes are of equal bytes, and evidence is canonical. Of a digest that is not known to be
    that of evidence True says nothing; False never says anything. Circumstances are not looked at.
    """
    taken = _take_apart(resource)
    if taken is None:
        return False
    content = _content(resource, *taken)
    return canonical.sha256_hex(content) == digest or (
        canonical.sha256_hex(canonical.without_go_escapes(content)) == digest
    )


def _take_apart(resource: CustomResource) -> tuple[_Members, _Members] | None:
    """Members of the whole and of its metadata as they were read, so perhaps not canonical.

    None where they do not add up to the bytes: spaces make these longer than that, and so does a
    key that stands twice.
    """
    raw = resource.raw
    try:
        parts = canonical.raw_members(raw)
        metadata = canonical.raw_members(parts["metadata"])
    except (ValueError, RecursionError):
        return None
    if canonical.adds_up(parts, raw) and canonical.adds_up(metadata, parts["metadata"]):
        return parts, metadata
    return None


def _content(resource: CustomResource, parts: _Members, metadata: _Members) -> bytes:
    identity = {key: metadata[key] for key in IDENTITY if key in metadata}
    # Items of a list may leave both to the list.
    return canonical.canonical_object(
        {
            **parts,
            "apiVersion": canonical.canonical_text(resource.api_version),
            "kind": canonical.canonical_text(resource.kind),
            "metadata": canonical.canonical_object(identity),
        }
    )


def _evidence(resource: CustomResource, parts: _Members, metadata: _Members) -> Evidence:
    found = canonical.decode(_content(resource, parts, metadata))
    digest = canonical.sha256_hex(found.content)
    circumstances, shortest = _circumstances(metadata)
    return Evidence(
        found.content, digest, circumstances, found.value, shortest=found.shortest and shortest
    )


def _circumstances(metadata: _Members) -> tuple[bytes, bool]:
    kept = {key: value for key, value in metadata.items() if key not in _NOT_KEPT}
    # As deep as they were.
    found = canonical.decode(b'{"metadata":%s}' % canonical.canonical_object(kept))
    content = found.content[len(b'{"metadata":') : -1]
    values = found.value["metadata"].values()
    if _PREFIX in content or any(value in _NOTHING for value in values):
        content = _without_ours(content)
    return content, found.shortest


def _without_ours(content: bytes) -> bytes:
    kept = canonical.members(content)
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
    try:
        part = bytes(_picker(path)(content))
    except (ValueError, RecursionError):  # none there, or a lone surrogate on the way
        found = canonical.part_at(content, path)
        return None if found is None else len(found)
    return None if part in canonical.NOT_THERE else len(part)


@lru_cache(16)
def _picker(path: str) -> Callable[[bytes], msgspec.Raw]:
    """Reads the bytes at the end of a path, passing over everything else."""
    *within, last = path.split(".")
    kind = msgspec.defstruct("At", [("value", msgspec.Raw)], rename={"value": last})
    for name in reversed(within):
        kind = msgspec.defstruct("At", [("value", kind)], rename={"value": name})
    decode = msgspec.json.Decoder(kind).decode

    def pick(content: bytes) -> msgspec.Raw:
        found: Any = decode(content)
        while not isinstance(found, msgspec.Raw):
            found = found.value
        return found

    return pick
