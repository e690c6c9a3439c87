"""JSON as YAML that every reader takes for the same JSON."""

import json
import re
from typing import Any, Final

import yaml

# Readers differ in what they take for a number, a date or a boolean: PyYAML follows YAML 1.1 by
# rules of its own, kubectl's parser a mixture of 1.1 and 1.2. So only what begins with a letter and
# is nothing but a word, a name or a path is written plain, and no word that means something. 1e-7
# PyYAML takes for text, and 1e-07 is how kubectl writes a literal that is 1e-7: a number with an
# exponent has a tag, which says that it is one, and as written. Go's parsers read it too.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:[./-][A-Za-z0-9_]+)*")
_WORDS: Final = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_TEXT: Final = "tag:yaml.org,2002:str"
_NUMBER: Final = "tag:yaml.org,2002:float"


class _Literal(str):
    """A number as it was written."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes number literals as they are, and quotes text wherever it might be something else."""

    def represent_literal(self, literal: _Literal) -> yaml.Node:
        # Under the tag that is found for it, so that none is added.
        found = self.resolve(yaml.ScalarNode, literal, (True, False))
        return self.represent_scalar(_NUMBER if found == _TEXT else found, literal)

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """The tag that a value has without being given one: none for a number with an exponent."""
        find: Any = super().resolve
        found = find(kind, value, implicit)
        return _TEXT if found == _NUMBER and "e" in value.lower() else found

    def represent_text(self, text: str) -> yaml.Node:
        plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
        return self.represent_scalar(_TEXT, text, style=None if plain else '"')

    def choose_scalar_style(self) -> Any:
        """Quotation marks around a number with a tag would be right, and look like text."""
        event: Any = self.event
        return "" if event.tag == _NUMBER else super().choose_scalar_style()

    def ignore_aliases(self, data: Any) -> bool:
        """JSON has none: two values that are the same object in memory are two values."""
        del data
        return True


_Dumper.add_representer(_Literal, _Dumper.represent_literal)
_Dumper.add_representer(str, _Dumper.represent_text)


def exact_yaml(document: bytes) -> str:
    """One JSON document as YAML, keys in their order. Raises RecursionError where it is too deep.

    A lone surrogate, of which YAML knows nothing, is written as its escape.
    """
    tree = json.loads(document, parse_float=_Literal, parse_int=_Literal)
    # A long text stays on one line: folding is where parsers differ next.
    return yaml.dump(tree, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=2**31)
