"""Reads JSON (RFC 8259) strictly and writes its canonical form while it reads.

This is the judge: whatever `canonical` cannot prove by a faster way comes here, and every refusal
is made here. It works without recursion, so that no depth can exhaust a stack, and never turns a
number into text again: the literal that was read is the literal that is written.
"""

import codecs
import json
import math
import re
from typing import Any, Final, Literal, NamedTuple, NoReturn, TypeAlias

from archiver.domain.json_parts import canonical_array, canonical_object, canonical_text

MAX_DEPTH: Final = 500
MAX_NUMBER_LENGTH: Final = 1_000

Json: TypeAlias = Any
Reason: TypeAlias = Literal[
    "not-utf8",
    "not-json",
    "too-deep",
    "duplicate-key",
    "number-too-long",
    "number-out-of-range",
]

_SPACE: Final = rb"[ \t\n\r]*+"
_STRING: Final = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER: Final = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_VALUE: Final = re.compile(
    _SPACE
    + b"(?:(?P<text>%s)|(?P<number>%s)|(?P<word>true|false|null)|(?P<open>[\\[{]))"
    % (_STRING, _NUMBER)
)
_KEY: Final = re.compile(_SPACE + b"(%s)" % _STRING + _SPACE + b":")
_AFTER_VALUE: Final = re.compile(_SPACE + rb"([,\]}])")
_SPACES: Final = re.compile(_SPACE)
_WORDS: Final = {b"true": True, b"false": False, b"null": None}


class NotCanonical(ValueError):
    """The bytes have no canonical form; the text names the byte, the value and the limit.

    `reason` is a stable slug: `not-utf8`, `not-json` (malformed, truncated, trailing characters,
    a byte order mark, NaN and Infinity), `too-deep` (over MAX_DEPTH levels), `duplicate-key`,
    `number-too-long` (over MAX_NUMBER_LENGTH characters) or `number-out-of-range` (no finite
    double).
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class Parsed(NamedTuple):
    """One JSON value: as Python value, as canonical bytes, and the canonical bytes of its parts.

    `parts` are an object's members or an array's elements, one level down; None for a scalar.
    """

    value: Json
    content: bytes
    parts: dict[str, bytes] | list[bytes] | None = None


def parse(raw: bytes) -> Parsed:
    """Reads one JSON document. Raises NotCanonical."""
    if raw.startswith(codecs.BOM_UTF8):
        raise NotCanonical("not-json", "byte 0: a byte order mark, which RFC 8259 keeps out")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise NotCanonical(
            "not-utf8", f"byte {error.start}: {raw[error.start]:#04x} is no UTF-8: {error.reason}"
        ) from None
    return _Reader(raw).document()


class _Array:
    """An array that is being read."""

    closed_by = b"]"

    def __init__(self) -> None:
        self.values: list[Json] = []
        self.texts: list[bytes] = []

    def add(self, item: Parsed) -> None:
        self.values.append(item.value)
        self.texts.append(item.content)

    def close(self) -> Parsed:
        return Parsed(self.values, canonical_array(self.texts), self.texts)


class _Object:
    """An object that is being read; `key` is that of the member whose value comes next."""

    closed_by = b"}"

    def __init__(self) -> None:
        self.key = ""
        self.values: dict[str, Json] = {}
        self.texts: dict[str, bytes] = {}

    def add(self, item: Parsed) -> None:
        self.values[self.key] = item.value
        self.texts[self.key] = item.content

    def close(self) -> Parsed:
        return Parsed(self.values, canonical_object(self.texts), self.texts)


class _Reader:
    """Goes through one document from byte to byte; `open` are the containers around `at`."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0
        self.open: list[_Array | _Object] = []

    def document(self) -> Parsed:
        whole = None
        while whole is None:
            done = self._value()
            whole = None if done is None else self._hand_over(done)
        self.at = self._skip_space()
        if self.at < len(self.raw):
            self._expected("the end")
        return whole

    def _value(self) -> Parsed | None:
        """Reads a scalar or an empty container; None where it has entered a container."""
        match = _VALUE.match(self.raw, self.at)
        if match is None:
            self._expected("a value")
        kind = match.lastgroup or ""
        token = match[kind]
        self.at = match.end() - len(token)
        if kind == "open":
            return self._enter(token)
        done = _text(token) if kind == "text" else self._number_or_word(token)
        self.at = match.end()
        return done

    def _enter(self, bracket: bytes) -> Parsed | None:
        if len(self.open) == MAX_DEPTH:
            raise NotCanonical("too-deep", f"byte {self.at}: nested deeper than {MAX_DEPTH} levels")
        self.at += 1
        container = _Object() if bracket == b"{" else _Array()
        at = self._skip_space()
        if self.raw.startswith(container.closed_by, at):
            self.at = at + 1
            return container.close()
        self.open.append(container)
        self._read_key(container)
        return None

    def _hand_over(self, done: Parsed) -> Parsed | None:
        """Gives a value to its container, and that to its own where it closes, up to a comma.

        Returns the whole document when nothing is open any more; None where a value comes next.
        """
        while self.open:
            container = self.open[-1]
            container.add(done)
            match = _AFTER_VALUE.match(self.raw, self.at)
            if match is None or match[1] not in (b",", container.closed_by):
                self._expected(f"a comma or {container.closed_by.decode()}")
            self.at = match.end()
            if match[1] == b",":
                self._read_key(container)
                return None
            done = self.open.pop().close()
        return done

    def _read_key(self, container: _Array | _Object) -> None:
        if isinstance(container, _Array):
            return
        match = _KEY.match(self.raw, self.at)
        if match is None:
            self._expected("a key and a colon")
        container.key = _text(match[1]).value
        if container.key in container.values:
            raise NotCanonical(
                "duplicate-key",
                f"byte {match.start(1)}: the key {container.key[:40]!r} stands twice in one object",
            )
        self.at = match.end()

    def _number_or_word(self, token: bytes) -> Parsed:
        if token in _WORDS:
            return Parsed(_WORDS[token], token)
        if len(token) > MAX_NUMBER_LENGTH:
            raise NotCanonical(
                "number-too-long",
                f"byte {self.at}: the number {token[:20].decode()}… has {len(token):,} characters, "
                f"more than {MAX_NUMBER_LENGTH:,}",
            )
        if not math.isfinite(double := float(token)):
            raise NotCanonical(
                "number-out-of-range",
                f"byte {self.at}: the number {token[:40].decode()} is beyond a double (1.8e308)",
            )
        return Parsed(double if set(token) & set(b".eE") else int(token), token)

    def _skip_space(self) -> int:
        match = _SPACES.match(self.raw, self.at)
        return match.end() if match else self.at

    def _expected(self, what: str) -> NoReturn:
        at = self._skip_space()
        found = self.raw[at : at + 20].decode(errors="replace")
        raise NotCanonical(
            "not-json", f"byte {at}: expected {what}, found {repr(found) if found else 'the end'}"
        )


def _text(token: bytes) -> Parsed:
    # Without a backslash nothing in a valid string can be written in any other way.
    if b"\\" not in token:
        return Parsed(token[1:-1].decode(), token)
    value: str = json.loads(token)
    return Parsed(value, canonical_text(value))
