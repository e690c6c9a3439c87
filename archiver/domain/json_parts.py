"""Builds canonical JSON from a text, or from parts that are canonical already."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

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


def canonical_object(members: Mapping[str, bytes]) -> bytes:
    """A JSON object of members whose values are canonical bytes already; sorts the keys."""
    return b"{%s}" % b",".join(
        b"%s:%s" % (canonical_text(key), members[key]) for key in sorted(members)
    )


def canonical_array(elements: Iterable[bytes]) -> bytes:
    """A JSON array of elements that are canonical bytes already."""
    return b"[%s]" % b",".join(elements)
