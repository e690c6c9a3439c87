"""Builds canonical JSON from a text, or from parts that are canonical already."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

Bytes: TypeAlias = bytes | msgspec.Raw

_SURROGATES: Final = re.compile("([\ud800-\udfff])")
_encode: Final = msgspec.json.Encoder().encode


def canonical_text(text: str) -> bytes:
    """A JSON string with the fewest escapes; a lone surrogate, which UTF-8 lacks, is `\\udxxx`."""
    try:
        return _encode(text)
    except UnicodeEncodeError:
        # Every second piece is one lone surrogate.
        pieces = _SURROGATES.split(text)
        pieces[0::2] = (_encode(piece)[1:-1].decode() for piece in pieces[0::2])
        pieces[1::2] = (f"\\u{ord(surrogate):x}" for surrogate in pieces[1::2])
        return b'"%s"' % "".join(pieces).encode()


# Of the few keys that every object has; what is larger than this is none of them.
canonical_key: Final = lru_cache(256)(canonical_text)


def canonical_object(members: Mapping[str, Bytes]) -> bytes:
    """A JSON object of members whose values are canonical bytes already; sorts the keys."""
    pieces: list[Bytes] = []
    for key in sorted(members):
        pieces += (b",", canonical_key(key), b":", members[key])
    pieces[:1] = (b"{",)  # in the place of the first comma
    pieces.append(b"}")
    return b"".join(pieces)


def canonical_array(elements: Iterable[bytes]) -> bytes:
    """A JSON array of elements that are canonical bytes already."""
    return b"[%s]" % b",".join(elements)
