"""The objects of files: kubectl's JSON and YAML, JSON lines, JSON documents one after another.

The format is told by the content: what begins with a brace or bracket is JSON, and JSON lines if
its first line is a whole document (always, if the name ends with .jsonl or .ndjson), or if it is
broken and more objects are whole by line than by brackets. Anything else is YAML, but for JSON
lines of which the first has lost its beginning. JSON lines are read line by line, YAML document by
document, JSON as a whole, in up to four times its size of memory. What kubectl wrote is the best
evidence all the same: `jq -c '.items[]'` makes lines of it, but writes numbers anew (1e-7 as 1e-07,
9007199254740993 as 9007199254740992), and another literal is another state.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from archiver.files import inputs
from archiver.files.inputs import Broken
from archiver.files.lists import CUT_SHORT, Document, Entry, Flaw, objects
from archiver.files.split import Part, problem, values
from archiver.files.yaml_only import Places
from archiver.files.yaml_text import Converted, to_json
from archiver.ports import Unparsed

_SEPARATOR = re.compile(rb"---(?:\s|$)")
_END = re.compile(rb"\.\.\.(?:\s|$)")
_JSON = (b"{", b"[")
_PROLOGUE = (b"#", b"%", b"---")


def documents(paths: Sequence[str]) -> Iterator[Entry]:
    """Every object of these files and directories, `-` being standard input, in their order.

    What is no object becomes Unparsed, and the others are given all the same. Raises Configuration,
    before anything is read, where a path does not exist, and where one cannot be opened.
    """
    return chain.from_iterable(map(_file, inputs.names(paths)))


def _file(name: str) -> Iterator[Entry]:
    shown = "standard input" if name == inputs.STDIN else name
    lines = _Lines(name)
    empty = True
    for entry in _entries(shown, lines, inputs.plain_name(name)):
        empty = False
        yield entry
    if lines.broken:
        position = f"{shown} line {lines.count + 1}"
        yield Unparsed(position, lines.broken.reason, f"{position}: {lines.broken}", b"")
    elif empty and lines.blank:
        yield Unparsed(shown, "empty", f"{shown}: the file is empty", b"")


class _Lines:
    """The lines with their numbers; afterwards, whether there was anything and where it broke."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0
        self.blank = True
        self.broken: Broken | None = None

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            for line in inputs.lines(self._name):
                self.count += 1
                self.blank = self.blank and line.isspace()
                if not self.blank:
                    yield self.count, line
        except Broken as error:
            self.broken = error


def _entries(shown: str, lines: _Lines, name: str) -> Iterator[Entry]:
    numbered = iter(lines)
    head = list(islice(numbered, 2))
    if not head:
        return
    everything = chain(head, numbered)
    if name.endswith((".jsonl", ".ndjson")) or _begin_json_lines([line for _, line in head], name):
        yield from _json_lines(shown, everything)
    elif head[0][1].lstrip().startswith(_JSON):
        yield from _json_text(shown, list(everything))
    else:
        yield from _yaml(shown, everything, lines)


def _begin_json_lines(head: Sequence[bytes], name: str) -> bool:
    first, *others = head
    if first.lstrip().startswith(_JSON):
        return first.endswith(b"\n") and not problem(first)
    # A first line whose beginning is lost; what may stand before a document of YAML is none.
    may_be_yaml = name.endswith((".yaml", ".yml")) or first.lstrip().startswith(_PROLOGUE)
    return not may_be_yaml and any(map(_is_document, others))


def _is_document(line: bytes) -> bool:
    # At the very beginning: indented, it is a part of a document that goes over several lines.
    return line.startswith(_JSON) and not problem(line)


def _json_text(shown: str, lines: Sequence[tuple[int, bytes]]) -> Iterator[Entry]:
    text = b"".join(line for _, line in lines)
    if not problem(text):
        yield from _json(shown, [Part(text.strip())])
        return
    entries = list(_json(shown, values(text)))
    whole = sum(isinstance(entry, Document) for entry in entries)
    if sum(_is_document(line) for _, line in lines) > whole:
        yield from _json_lines(shown, lines)
    else:
        yield from entries


def _json_lines(shown: str, lines: Iterable[tuple[int, bytes]]) -> Iterator[Entry]:
    for number, line in lines:
        if (raw := line.strip()) and not _SEPARATOR.fullmatch(raw):
            # Only the last line can lack its newline: there, broken JSON means that it was cut.
            whole = line.endswith(b"\n") or not raw.startswith(_JSON) or not problem(raw)
            yield from objects(f"{shown} line {number}", Part(raw, whole))


def _json(shown: str, parts: Iterable[Part]) -> Iterator[Entry]:
    for number, part in enumerate(parts, 1):
        yield from objects(shown if number == 1 else f"{shown} document {number}", part)


def _yaml(shown: str, lines: Iterable[tuple[int, bytes]], source: _Lines) -> Iterator[Entry]:
    """Each document by itself, so that a broken one harms no other.

    YAML can be cut short and still be YAML. So a text that does not end with a newline, and a list
    without its kind, which kubectl writes after the items, count as cut short; but no text, number
    or null, which is no object however it goes on.
    """
    number = 0
    for first_line, text in _yaml_documents(lines):
        converted = to_json(text)
        if not converted.text and not converted.problem:
            continue
        number += 1
        ended = text.endswith((b"\n", b"\n...")) and not source.broken
        whole = not converted.problem and (ended or not converted.text.startswith(_JSON))
        place = shown if number == 1 else f"{shown} document {number}"
        part = Part(converted.text or text, whole)
        places = Places(converted.odd, first_line)
        flaw = _flaw(converted)
        for entry in objects(place, part, flaw, is_yaml=True):
            yield entry if isinstance(entry, Document) else _explained(entry, places, flaw)


def _explained(entry: Unparsed, places: Places, flaw: Flaw) -> Unparsed:
    """With what the file says, where the message is about the JSON that was made of it."""
    why = places.of(entry.raw)
    if not why or entry.reason != "not-json" or entry.message.endswith(flaw.message):
        return entry
    return replace(entry, message=f"{entry.position}: {why}")


def _flaw(converted: Converted) -> Flaw:
    if not converted.problem:
        return CUT_SHORT
    return Flaw("truncated" if converted.cut else "not-json", f"no YAML: {converted.problem}")


def _yaml_documents(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Each with the number of its first line."""
    # Nowhere in YAML, block scalars included, may a line begin so unless it separates documents.
    held: list[bytes] = []
    begun = False
    number = 0
    for number, line in lines:
        separates = bool(_SEPARATOR.match(line))
        if begun and separates:
            yield number - len(held), b"".join(held)
            held.clear()
        held.append(line)
        # Directives and comments stand before a document and are none.
        begun = begun or separates or not (line.isspace() or line.lstrip().startswith(_PROLOGUE))
        if _END.match(line):
            yield number + 1 - len(held), b"".join(held)
            held.clear()
            begun = False
    yield number + 1 - len(held), b"".join(held)
