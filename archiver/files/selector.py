"""Label selectors as kubectl's -l takes them."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from archiver.errors import Configuration

Selector: TypeAlias = Callable[[Mapping[str, str]], bool]

_WORD: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_COMMA: Final = re.compile(r",(?![^(]*\))")
_EQUALITY: Final = re.compile(rf"({_WORD})\s*(==|=|!=)\s*({_WORD}|)")
_SET: Final = re.compile(rf"({_WORD})\s+(in|notin)\s*\(([^()]*)\)")
_PRESENCE: Final = re.compile(rf"(!?)\s*({_WORD})")


def selector(text: str) -> Selector:
    """What this text selects; everything, if it is empty. Raises Configuration."""
    if not text.strip():
        return lambda _labels: True
    requirements = [_requirement(part.strip(), text) for part in _COMMA.split(text)]
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _requirement(part: str, text: str) -> Selector:
    if match := _EQUALITY.fullmatch(part):
        return _among(match[1], frozenset({match[3]}), wanted=match[2] != "!=")
    if match := _SET.fullmatch(part):
        choices = frozenset(value.strip() for value in match[3].split(","))
        return _among(match[1], choices, wanted=match[2] == "in")
    if match := _PRESENCE.fullmatch(part):
        key, wanted = match[2], not match[1]
        return lambda labels: (key in labels) == wanted
    raise Configuration(f"label selector {text!r}: cannot read {part!r}")


def _among(key: str, choices: frozenset[str], *, wanted: bool) -> Selector:
    # As in Kubernetes, an object without the label satisfies != and notin.
    return lambda labels: (key in labels and labels[key] in choices) == wanted
