"""The bytes of a list, split into the bytes of its items without reading them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_MEMBER = re.compile(rb'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:\s*(.*)', re.DOTALL)
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_SEPARATORS = (b"[", b"{", b",")


class Malformed(Exception):
    """These bytes are no list of the API server."""


class ListMeta(msgspec.Struct, frozen=True, rename={"continue_": "continue"}):
    """metav1.ListMeta."""

    continue_: str = ""


class ListBody(msgspec.Struct, frozen=True, rename="camel"):
    """A list as the API server writes it. Items are views: each keeps the whole body alive."""

    kind: str
    items: list[msgspec.Raw] | None
    api_version: str = ""
    metadata: ListMeta = ListMeta()

    @property
    def item_kind(self) -> str:
        """The kind of the items, which carry none themselves in lists of built-in resources."""
        return self.kind.removesuffix("List")


class Identity(NamedTuple):
    """Who an object is, as far as that can be read; empty texts where it cannot."""

    namespace: str
    name: str
    uid: str

    @property
    def path(self) -> str:
        """namespace/name: what the API server sorts a list by, as bytes."""
        return f"{self.namespace}/{self.name}" if self.name else ""


class _Metadata(msgspec.Struct, frozen=True):
    namespace: str = ""
    name: str = ""
    uid: str = ""


class _Object(msgspec.Struct, frozen=True):
    metadata: _Metadata


_LIST = msgspec.json.Decoder(ListBody)
_OBJECT = msgspec.json.Decoder(_Object)
_METADATA = msgspec.json.Decoder(_Metadata)
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError)


def split(body: bytes) -> ListBody:
    """The list's head and its items. One item nested too deep to be parsed harms no other.

    Raises Malformed where the bytes are cut short, or are something else than a list.
    """
    try:
        listed = _LIST.decode(body)
    except RecursionError:
        listed = _split_without_recursion(body)
    except _UNDECODABLE as error:
        raise Malformed(str(error)) from None
    if not listed.kind.endswith("List"):
        raise Malformed(f"kind {listed.kind[:80]!r} is no list")
    return listed


def identity(raw: bytes | msgspec.Raw) -> Identity:
    """Who an object says it is, even if it cannot be parsed as a whole."""
    try:
        metadata = _OBJECT.decode(raw).metadata
    except RecursionError:
        metadata = _metadata_without_recursion(bytes(raw))
    except _UNDECODABLE:
        metadata = _Metadata()
    return Identity(metadata.namespace, metadata.name, metadata.uid)


def _split_without_recursion(body: bytes) -> ListBody:
    members = _members(body)
    items = [msgspec.Raw(item) for item in _parts(members.pop(b'"items"', b"[]"))]
    head = b"{%s}" % b",".join(b"%s:%s" % member for member in members.items())
    try:
        return msgspec.structs.replace(_LIST.decode(b'{"items":null,' + head[1:]), items=items)
    except _UNDECODABLE as error:
        raise Malformed(str(error)) from None


def _metadata_without_recursion(raw: bytes) -> _Metadata:
    try:
        return _METADATA.decode(_members(raw).get(b'"metadata"', b"{}"))
    except (Malformed, RecursionError, *_UNDECODABLE):
        return _Metadata()


def _members(container: bytes) -> dict[bytes, bytes]:
    """An object's members: keys with their quotation marks, values as they are written."""
    matches = (_MEMBER.fullmatch(part) for part in _parts(container))
    return {match[1]: match[2] for match in matches if match}


def _parts(container: bytes) -> Iterator[bytes]:
    """What stands between the commas of the outermost container, however deep it is nested.

    Raises Malformed where a bracket is not closed.
    """
    depth = start = 0
    for token in _TOKEN.finditer(container):
        mark = token[0]
        depth += _STEP.get(mark, 0)
        if depth == 0 or (depth == 1 and mark in _SEPARATORS):
            if part := container[start : token.start()].strip():
                yield part
            start = token.end()
    if depth:
        raise Malformed("cut short")
