"""What a YAML document says and JSON has no form for: where it stands, for the message about it."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import yaml

_STANDARD: Final = "tag:yaml.org,2002:"
_SHOWN: Final = 40
_LITERAL: Final = re.compile(
    rb"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
)
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^\s\[\]{},:"]+', re.DOTALL)


class Oddity(NamedTuple):
    """`token` is what stands for it in the JSON text; `line` counts from 0 in its document."""

    token: bytes
    line: int
    what: str


def oddity(event: Any, token: bytes) -> Oddity | None:
    """What is odd about a node that was written as this token; None where JSON has it, too."""
    if token.startswith(b'"') or _LITERAL.fullmatch(token):
        return None
    if isinstance(event, yaml.AliasEvent):
        what = f"the alias *{str(event.anchor)[:_SHOWN]}"
    elif event.tag:
        what = f"a value with the tag {event.tag.replace(_STANDARD, '!!')[:_SHOWN]}"
    else:
        what = f"the number {event.value[:_SHOWN]}"
    return Oddity(token, event.start_mark.line, what)


class Places:
    """Finds the oddities of one document again in the objects of it, which come in its order."""

    def __init__(self, odd: Sequence[Oddity], first_line: int) -> None:
        self._left: Iterator[Oddity] = iter(odd)
        self._first_line = first_line

    def of(self, raw: bytes) -> str:
        """The first of this object's, as a sentence; empty where it has none."""
        odd = [token for token in _TOKEN.findall(raw) if _is_odd(token)]
        # What is passed over stands beside the objects, in the list around them.
        there = [next((one for one in self._left if one.token == token), None) for token in odd]
        if not there or there[0] is None:
            return ""
        line = self._first_line + there[0].line
        return f"line {line} has {there[0].what}, for which JSON has no form"


def _is_odd(token: bytes) -> bool:
    return not token.startswith(b'"') and not _LITERAL.fullmatch(token)
