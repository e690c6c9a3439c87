"""The commands of a section of the documents, word for word, on the overlays of the tests."""

import re
import shlex
from collections.abc import Iterator

from tests.e2e.node.installed import Installed
from tests.manifests import DEPLOY

_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def commands(document: str, section: str) -> list[list[str]]:
    """The words of each command in the shell blocks of a section, without `kubectl` before them."""
    text = (DEPLOY.parent / document).read_text(encoding="utf-8")
    _, _, after = text.partition(f"\n## {section}\n")
    blocks = _BLOCK.findall(after.partition("\n## ")[0])
    found = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert found, f"{document} has no commands under {section}"
    assert {words[0] for words in found} == {"kubectl"}
    return [words[1:] for words in found]


def carried_out(installed: Installed, steps: list[list[str]]) -> Iterator[tuple[list[str], str]]:
    """Give each command and what it printed, as soon as it has ended well. Raises NodeError."""
    overlays = {f"{base.relative_to(DEPLOY.parent)}/": o for base, o in installed.overlays.items()}
    for step in steps:
        yield step, installed.kubectl(*(overlays.get(word, word) for word in step))
