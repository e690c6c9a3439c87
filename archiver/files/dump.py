"""The objects of files: kubectl's JSON and YAML, JSON lines, JSON documents one after another.

The format is told by the content: what begins with a brace or bracket is JSON, and JSON lines if
its first line is a whole document (always, if the name ends with .jsonl or .ndjson); anything else
is YAML. JSON lines are read line by line, YAML document by document, JSON as a whole: a large dump
needs no more memory than one object if it is made with `kubectl get -o json | jq -c '.items[]'`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from archiver.files import inputs
from archiver.files.inputs import Broken
from archiver.files.split import Items, Part, items, problem, values
from archiver.files.yaml_text import to_json
from archiver.ports import Unparsed

_CUT_SHORT = "cut short: its end is missing"
_SEPARATOR = re.compile(rb"---(?:\s|$)")


class Document(NamedTuple):
    """One object. `api_version` and `kind` are its list's, for an item that carries none.

    `raw` is JSON text, with every number as it was written; whether it is a custom resource, or
    fit to be archived, nobody has asked yet.
    """

    position: str
    raw: bytes
    api_version: str = ""
    kind: str = ""


Entry: TypeAlias = Document | Unparsed


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
    elif empty and not lines.content:
        yield Unparsed(shown, "empty", f"{shown}: the file is empty", b"")


class _Lines:
    """The lines that are not blank, each with its number; afterwards, whether they broke off."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0
        self.content = False
        self.broken: Broken | None = None

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            for line in inputs.lines(self._name):
                self.count += 1
                self.content = self.content or not line.isspace()
                yield self.count, line
        except Broken as error:
            self.broken = error


def _entries(shown: str, lines: _Lines, name: str) -> Iterator[Entry]:
    numbered = ((number, line) for number, line in lines if self_or_content(line, lines))
    head = next(numbered, None)
    if head is None:
        return
    everything = chain([head], numbered)
    is_json = head[1].lstrip().startswith((b"{", b"["))
    if name.endswith((".jsonl", ".ndjson")) or (is_json and _is_whole_line(head[1])):
        yield from _json_lines(shown, everything)
    elif is_json:
        yield from _concatenated(shown, b"".join(line for _, line in everything))
    else:
        yield from _yaml(shown, everything, lines)
