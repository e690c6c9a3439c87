r"""The canonical form of JSON, of which digests are made.

Keys are sorted by code point, nothing stands between the tokens, text is UTF-8, and a number is the
literal that was read. Strings have the fewest escapes: `\"`, `\\`, `\b`, `\t`, `\n`, `\f`, `\r`,
else lower-case `\u00xx` for control characters and `\udxxx` for lone surrogates. RFC 8785 is not
followed: it writes every number as a double would be, which changes 64-bit integers. Text is not
normalized: a composed é is not a decomposed one.
"""

import hashlib
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from archiver.domain import exact_json
from archiver.domain.exact_json import MAX_DEPTH, MAX_NUMBER_LENGTH, Json, NotCanonical
from archiver.domain.json_parts import (
    Bytes,
    canonical_array,
    canonical_key,
    canonical_object,
    canonical_text,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_NUMBER_LENGTH",
    "NOT_THERE",
    "Bytes",
    "Decoded",
    "Json",
    "NotCanonical",
    "adds_up",
    "canonical",
    "canonical_array",
    "canonical_object",
    "canonical_text",
    "decode",
    "decode_tree",
    "elements",
    "exceeds_numeric",
    "lossy",
    "members",
    "part_at",
    "raw_members",
    "sha256_hex",
    "stand_in",
    "without_go_escapes",
]

_decode: Final = msgspec.json.Decoder().decode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode
_decode_keeping_floats: Final = msgspec.json.Decoder(
    float_hook=lambda literal: msgspec.Raw(literal.encode())
).decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode

# What Go's encoding/json escapes for the sake of HTML and JavaScript, and JSON need not.
_GO_ESCAPES: Final = {rf"\u{ord(char):04x}".encode(): char.encode() for char in "<>&\u2028\u2029"}
_GO_ESCAPE: Final = re.compile(b"|".join(map(re.escape, _GO_ESCAPES)))
# What says no more than a key that is missing.
NOT_THERE: Final = (b"null", b'""')
_SPACE: Final = b" \t\n\r"
_STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}
# The shortest integer beyond a double has 309 digits: nine of every 32nd byte, wherever it stands.
# A number of over 1,000 characters, with its at most three runs of digits, has such a run as well.
_STRIDE: Final = 32
_DIGITS: Final = bytes(ord("0" if chr(byte).isdigit() else " ") for byte in range(128)) + b" " * 128
_NINE_DIGITS: Final = b"0" * 9
_ESCAPE: Final = re.compile(rb"\\(?:u(0000|d[89a-f][0-9a-f]{2})|.)")
# Faster than to look for two bytes, and most of what is escaped are newlines and quotes.
_PERHAPS_LOSSY: Final = re.compile(rb"\\u(?:0000|d)")
_LONG_EXPONENT: Final = re.compile(rb"[eE][-+]?[0-9]{4}")
_REPLACEMENT: Final = "\ufffd".encode()


class Decoded(NamedTuple):
    """One JSON document: ordinary Python values to read fields from, and its canonical bytes.

    Numbers in `value` are int or float and may have lost their literal: `content` has it.
    `shortest` says that each literal is known to be the shortest one of its value.
    """

    value: Json
    content: bytes
    shortest: bool = False


def decode(raw: bytes) -> Decoded:
    """Reads one JSON document. Raises NotCanonical, whose `reason` is a stable slug.

    Fast where the bytes are as the API server writes them, exact everywhere.
    """
    return _round_trip(raw) or Decoded(*exact_json.parse(raw)[:2])


def decode_tree(raw: bytes) -> Json:
    """The document as ordinary Python values; as strict as `decode`. Raises NotCanonical."""
    return decode(raw).value


def canonical(raw: bytes) -> bytes:
    """The canonical form of one JSON document. Raises NotCanonical."""
    return decode(raw).content


def _round_trip(raw: bytes) -> Decoded | None:
    r"""Decodes and encodes; None where that proves nothing, or fails for whatever reason.

    What comes out is canonical, but numbers may be changed and doubled keys lost. If it equals what
    went in, neither has happened. Go's extra escapes stand only within strings, so the same holds
    where it equals what went in but for them. What only looks like one (in `\\u003c`) leaves a
    lone backslash before the character, which is no JSON and equals nothing.
    """
    if not _is_shallow(raw) or _NINE_DIGITS in raw[::_STRIDE].translate(_DIGITS):
        return None
    try:
        value = _decode(raw)
        content = _encode_sorted(value)
        text = raw.strip(_SPACE)
        if content == text:
            return Decoded(value, text, shortest=True)
        text = without_go_escapes(text)
        if content == text:
            return Decoded(value, content, shortest=True)
        return _rearranged(value, text)
    except (ValueError, RecursionError):
        return None


def without_go_escapes(content: bytes) -> bytes:
    """Without what Go's encoding/json escapes and canonical JSON does not."""
    # One byte is found ten times as fast as two, and most content has no backslash.
    if b"\\" not in content or b"\\u" not in content:
        return content
    return _GO_ESCAPE.sub(_unescape, content)


def _unescape(escape: re.Match[bytes]) -> bytes:
    return _GO_ESCAPES[escape[0]]


def _rearranged(value: Json, text: bytes) -> Decoded | None:
    """For other orders, spaces and number literals: `kubectl get -o json` indents, for one.

    Floats are taken over as they are, so that only a doubled key can be lost, and -0 become 0.
    Both make the text shorter, as does every needless escape, and nothing makes it longer: an
    equal length (the spaces within strings left out as well) proves that nothing was lost.
    """
    content = _encode_sorted(_decode_keeping_floats(text))
    lost = len(text.translate(None, _SPACE)) - len(content.translate(None, _SPACE))
    return None if lost else Decoded(value, content)


def _is_shallow(raw: bytes) -> bool:
    # Text that is no JSON may be misjudged: the exact reader has the last word.
    if len(raw.translate(None, _NO_BRACKETS)) <= 2 * MAX_DEPTH:
        return True
    brackets = _STRINGS.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) <= MAX_DEPTH


def raw_members(raw: Bytes) -> dict[str, msgspec.Raw]:
    """An object's members as they are written, each a view of `raw`, the last of equal keys alone.

    Raises ValueError and RecursionError where msgspec cannot read it, lone surrogates among that.
    """
    return _members(raw)


def adds_up(members: Mapping[str, msgspec.Raw], raw: Bytes) -> bool:
    """Whether `raw` has nothing besides these members: no spaces, no key a second time."""
    # Of each a colon and a comma, except the last comma; two brackets.
    length = max(2 * len(members) + 1, 2)
    length += sum(map(len, map(canonical_key, members))) + sum(map(len, members.values()))
    return length == len(raw)


def members(content: bytes) -> dict[str, bytes]:
    """The canonical bytes of an object's members by key. Raises TypeError for anything else."""
    try:
        return {key: bytes(value) for key, value in _members(content).items()}
    except msgspec.DecodeError:  # a lone surrogate, which msgspec refuses; or no object
        parts = exact_json.parse(content).parts
    if not isinstance(parts, dict):
        raise TypeError(f"{content[:20]!r} is no JSON object")
    return parts


def part_at(content: bytes, path: str) -> bytes | None:
    """The canonical JSON at a dotted path of objects; None where there is none, or null or ""."""
    for name in path.split("."):
        if not content.startswith(b"{"):
            return None
        content = members(content).get(name, b"null")
    return None if content in NOT_THERE else content


def elements(content: bytes) -> list[bytes]:
    """The canonical bytes of an array's elements. Raises TypeError for anything else."""
    try:
        return [bytes(element) for element in _elements(content)]
    except msgspec.DecodeError:  # a lone surrogate, which msgspec refuses; or no array
        parts = exact_json.parse(content).parts
    if not isinstance(parts, list):
        raise TypeError(f"{content[:20]!r} is no JSON array")
    return parts


def sha256_hex(content: bytes) -> str:
    """The SHA-256 of canonical bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def exceeds_numeric(content: bytes) -> bool:
    """Whether a number may be none for PostgreSQL: 1e-16384 has more digits than numeric holds.

    To be asked only where literals are not known to be the shortest: those end at e-324.
    """
    return _LONG_EXPONENT.search(_STRINGS.sub(b"", content)) is not None


def lossy(content: bytes) -> bool:
    """Whether text in this canonical JSON is none that PostgreSQL's jsonb can hold.

    It has no U+0000 and no lone surrogate. The text backslash-u-0000 is no U+0000.
    """
    return _PERHAPS_LOSSY.search(content) is not None and any(
        escape[1] for escape in _ESCAPE.finditer(content)
    )


def stand_in(content: bytes) -> bytes:
    """Canonical JSON with U+FFFD for each U+0000 and lone surrogate: what jsonb can hold.

    To be read, not digested: two keys may have become one, and keys may be out of order.
    """
    return _ESCAPE.sub(lambda escape: _REPLACEMENT if escape[1] else escape[0], content)
