"""JSON text cut into documents and items, by msgspec where it is whole, by brackets where not."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from archiver.files.surrogates import neutral

# A string that is not closed goes on to the end: brackets in it are none.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_MEMBER = re.compile(rb'\s*"(\w+)"\s*:\s*(.*)', re.DOTALL)
_TWICE = 2
# Between documents of YAML, which JSON is.
_SEPARATORS = re.compile(rb"(?:---[ \t]*(?:\r?\n\s*|$))+")
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
# What msgspec raises for bytes of any kind.
UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Part(NamedTuple):
    """Bytes of one value; `whole` is whether its end was there.

    The items of a whole list are views of its bytes: copies of all of them, for each list around
    them, would take as much memory again.
    """

    raw: bytes | msgspec.Raw
    whole: bool = True


class Items(NamedTuple):
    """What a list holds. `api_version` and `kind` are those of items that carry none themselves.

    `named`: whether the list says its own kind. `closed`: whether its end is there. `is_json`:
    whether all of it is JSON that could be read; else it was cut by brackets, which is slow.
    `doubled`: whether it has `items` twice, of which `parts` are those of one only.
    """

    parts: list[Part]
    api_version: str = ""
    kind: str = ""
    named: bool = False
    closed: bool = True
    is_json: bool = True
    doubled: bool = False


class _List(msgspec.Struct, rename="camel"):
    items: list[msgspec.Raw] | None
    kind: str = ""
    api_version: str = ""


_LIST = msgspec.json.Decoder(_List)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)
_TEXT = msgspec.json.Decoder(str)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SPACE = b" \t\n\r"


def problem(raw: bytes) -> str:
    """Why these bytes are no JSON; empty if they are, or are nested too deep to be told here."""
    try:
        _ANY.decode(neutral(raw))
    except RecursionError:
        return ""
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return str(error)
    return ""


def values(text: bytes) -> Iterator[Part]:
    """The JSON documents that stand one after another, by brackets; the last may be cut short.

    What opens no bracket behind them is text, and lacks no end.
    """
    depth = start = 0
    for token in _TOKEN.finditer(text):
        step = _STEP.get(token[0], 0)
        depth = max(0, depth + step)
        if depth == 0 and step:
            yield Part(_without_separators(text[start : token.end()].strip()))
            start = token.end()
    if rest := _without_separators(text[start:].strip()):
        yield Part(rest, whole=depth == 0)


def _without_separators(text: bytes) -> bytes:
    found = _SEPARATORS.match(text)
    return text[found.end() :] if found else text


def items(part: Part) -> Items | None:
    """A list's items, as many as there are; None for anything that is no list.

    A list is a JSON array, or an object with `items` whose kind ends with List (or is not there).
    One item that is no JSON, or nested too deep, harms no other.
    """
    try:
        if bytes(memoryview(part.raw)[:1]) == b"[":
            return Items(list(map(Part, _ARRAY.decode(part.raw))))
        found = _LIST.decode(part.raw)
    except msgspec.ValidationError:
        return None
    except UNDECODABLE:
        return _items_by_brackets(bytes(part.raw))
    listed = _listed(list(map(Part, found.items or ())), found.api_version, found.kind)
    return listed and listed._replace(doubled=_has_items_twice(bytes(part.raw)))


def _has_items_twice(raw: bytes) -> bool:
    """Whether an object has the key `items` twice; msgspec takes the last one and says nothing.

    Cheap for what has the word once, as lists of most kinds do, and for all that adds up.
    """
    if raw.count(b'"items"') < _TWICE or _adds_up(raw):
        return False
    matches = (_MEMBER.fullmatch(member) for member, _ in _pieces(raw))
    return [match[1] for match in matches if match].count(b"items") >= _TWICE


def _adds_up(raw: bytes) -> bool:
    """Whether its members are as long as the whole: spaces left out, wherever they stand."""
    members = _MEMBERS.decode(raw)
    # Of each two quotes, a colon and a comma, except the last comma; two brackets.
    length = 4 * len(members) + 1
    for key, value in members.items():
        length += len(key.encode().translate(None, _SPACE))
        length += len(bytes(value).translate(None, _SPACE))
    return length == len(raw.translate(None, _SPACE))


def _listed(parts: list[Part], api_version: str, kind: str) -> Items | None:
    if kind and not kind.endswith("List"):
        return None
    # kubectl's own List is of anything, so its version says nothing of the items.
    if kind in ("", "List"):
        return Items(parts, named=bool(kind))
    return Items(parts, api_version, kind.removesuffix("List"), named=True)


def _items_by_brackets(raw: bytes) -> Items | None:
    closed = _is_closed(raw)
    if raw.startswith(b"["):
        return Items([Part(*piece) for piece in _pieces(raw)], closed=closed, is_json=False)
    head: dict[bytes, bytes] = {}
    parts = None
    times = 0
    for member, _whole in _pieces(raw):
        match = _MEMBER.fullmatch(member)
        if match and match[1] == b"items" and match[2].startswith(b"["):
            parts = [Part(*piece) for piece in _pieces(match[2])]
            times += 1
        elif match and match[1] in (b"kind", b"apiVersion"):
            head[match[1]] = match[2]
    if parts is None:
        return None
    listed = _listed(parts, _text(head, b"apiVersion"), _text(head, b"kind"))
    return listed and listed._replace(closed=closed, is_json=False, doubled=times >= _TWICE)


def _is_closed(container: bytes) -> bool:
    depth = 0
    for token in _TOKEN.finditer(container):
        depth += _STEP.get(token[0], 0)
        if depth == 0:
            return True
    return False


def _text(head: dict[bytes, bytes], key: bytes) -> str:
    try:
        return _TEXT.decode(head.get(key, b'""'))
    except UNDECODABLE:
        return ""


def _pieces(container: bytes) -> Iterator[tuple[bytes, bool]]:
    """What stands between the commas of the outermost container, however deep it is nested.

    And whether it is whole: of a container that is cut short, the last piece is not.
    """
    depth = start = 0
    for token in _TOKEN.finditer(container):
        mark = token[0]
        if depth == 0:
            start = token.end()
        depth += _STEP.get(mark, 0)
        if depth == 0 or (depth == 1 and mark == b","):
            if raw := container[start : token.start()].strip():
                yield raw, True
            start = token.end()
            if depth == 0:
                return
    if raw := container[start:].strip():
        yield raw, False
