"""One YAML document as JSON text, nothing guessed.

Made from the parser's events, not from its values: YAML 1.1, which PyYAML's constructors follow,
has dates, sexagesimal numbers, and booleans by the name of `on` and `no`. Here the core schema of
YAML 1.2 holds for plain scalars: null (also ~ and nothing), true and false (also True, TRUE), and
numbers; everything else, timestamps too, is text. Keys are always text; `<<` is a key like others.

A number is the literal that was written; one that kubectl has written otherwise than the API server
is the literal of the latter (`go_floats`). What JSON has no form for (`.nan`, `0x1F`, `+1`, `007`,
an alias, a tag of one's own) is written down as it is: the object that holds it then is no JSON and
is refused, and no other is. `kubectl get -o yaml` writes none of these. A number with the tag
!!float is one, and always as written: `archiver get -o yaml` writes it before every exponent.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from archiver.files.go_floats import json_form
from archiver.files.yaml_only import Oddity, oddity

# Only its parser is used, libyaml where there is one: about ten times as fast.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: Final = {
    word: json
    for json in (b"null", b"true", b"false")
    for word in (json.decode(), json.decode().title(), json.decode().upper())
} | {"~": b"null", "": b"null"}
_NUMBER: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NOTHING_MORE: Final = re.compile(r"\s*|\\.*")
_TEXT_TAG: Final = ("!", "tag:yaml.org,2002:str")
_NUMBER_TAG: Final = "tag:yaml.org,2002:float"
_encode: Final = msgspec.json.Encoder().encode


class Converted(NamedTuple):
    """JSON text, and why it ends before its end; empty if it does not.

    `cut`: that problem is the end of the document, and what might have stood behind it.
    `odd`: what JSON has no form for, in the order of the text.
    """

    text: bytes
    problem: str = ""
    cut: bool = False
    odd: Sequence[Oddity] = ()


def to_json(document: bytes) -> Converted:
    """One YAML document as JSON; where it is broken, the JSON of all that stands before."""
    writer = _Writer()
    try:
        for event in yaml.parse(document, Loader=_LOADER):
            writer.write(event)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        return Converted(writer.text(), said, _is_at_the_end(error, document), writer.odd)
    return Converted(writer.text(), odd=writer.odd)


def _is_at_the_end(error: Exception, document: bytes) -> bool:
    """Whether the parser has gone through all of it, but for an escape that has no end."""
    if isinstance(error, yaml.reader.ReaderError):
        return _ends_within_a_character(document[error.position :])
    mark = getattr(error, "problem_mark", None)
    # What comes behind the mark, the parser has perhaps not decoded yet.
    text = document.decode(errors="replace")
    return mark is not None and bool(_NOTHING_MORE.fullmatch(text, mark.index))


def _ends_within_a_character(rest: bytes) -> bool:
    try:
        return codecs.utf_8_decode(rest, "strict", False)[1] < len(rest)
    except UnicodeDecodeError:
        return False


class _Writer:
    """JSON from events. `open` has, for each container around, how many nodes it has had."""

    def __init__(self) -> None:
        self._out: list[bytes] = []
        self._open: list[tuple[bytes, int]] = []
        self.odd: list[Oddity] = []

    def text(self) -> bytes:
        return b"".join(self._out)

    def write(self, event: Any) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._out.append(b"}" if self._open.pop()[0] == b"{" else b"]")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)

    def _node(self, event: Any) -> None:
        if not self._open and _is_nothing(event):
            return
        is_key = self._separate()
        if isinstance(event, yaml.ScalarEvent):
            self._value(event, _encode(event.value) if is_key else _scalar(event))
        elif isinstance(event, yaml.AliasEvent):
            # Followed, nine lines of aliases would become gigabytes.
            self._value(event, b"*alias")
        else:
            bracket = b"{" if isinstance(event, yaml.MappingStartEvent) else b"["
            self._out.append(bracket)
            self._open.append((bracket, 0))

    def _value(self, event: Any, token: bytes) -> None:
        self._out.append(token)
        if odd := oddity(event, token):
            self.odd.append(odd)

    def _separate(self) -> bool:
        """Writes what stands before this node; returns whether it is a key."""
        if not self._open:
            return False
        bracket, count = self._open[-1]
        self._open[-1] = (bracket, count + 1)
        is_value = bracket == b"{" and count % 2 == 1
        if count:
            self._out.append(b":" if is_value else b",")
        return bracket == b"{" and not is_value


def _is_nothing(event: Any) -> bool:
    """A document of comments alone: as a value it would be null, as a document it is none."""
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value


def _scalar(event: Any) -> bytes:
    plain_text, quoted_text = event.implicit
    if event.tag in _TEXT_TAG or (not event.tag and quoted_text and not plain_text):
        return _encode(event.value)
    if event.tag:
        is_number = event.tag == _NUMBER_TAG and not event.style and _NUMBER.fullmatch(event.value)
        return event.value.encode() if is_number else b"!tag"
    word = _WORDS.get(event.value)
    if word is not None:
        return word
    if _NUMBER.fullmatch(event.value):
        return json_form(event.value).encode()
    return _encode(event.value)
