"""The commands of a section of the documents, word for word, on the overlays of the tests."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.node.installed import Installed
from tests.manifests import DEPLOY
from tests.node.postgresql import OWNER, WRITER, Archive

_ROOT = DEPLOY.parent
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)


def commands(document: str, section: str) -> list[list[str]]:
    """The words of each command in the shell blocks of a section, without `kubectl` before them."""
    _, *rest = _HEADING.split((_ROOT / document).read_text(encoding="utf-8"))
    text = dict(zip(rest[::2], rest[1::2], strict=True))[section]
    lines = "".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    found = [words for line in lines if (words := shlex.split(line, comments=True))]
    assert found, f"{document} has no commands under {section}"
    assert {words[0] for words in found} == {"kubectl"}
    return [words[1:] for words in found]


def carried_out(
    installed: Installed, steps: list[list[str]], folder: Path = _ROOT
) -> Iterator[list[str]]:
    """Give each command as soon as it has ended well. Raises NodeError.

    A Job that one of them shows has to be Complete. `folder` has the files that are of the person's
    own (`./…`).
    """
    overlays = {f"{base.relative_to(_ROOT)}/": str(o) for base, o in installed.overlays.items()}

    def here(word: str) -> str:
        if word.startswith("deploy/"):
            return overlays.get(word, str(_ROOT / word))
        return word.replace("=./", f"={folder}/")

    for step in steps:
        printed = ""
        for words in _piped(step):
            printed = installed.kubectl(*map(here, words), stdin=printed or None)
        assert step[-3:-1] != ["get", "job"] or "Complete" in printed.split(), printed
        yield step


def _piped(words: list[str]) -> Iterator[list[str]]:
    """Each command of a line; what one prints, the next one reads."""
    rest = words
    while "|" in rest:
        at = rest.index("|")
        assert rest[at + 1] == "kubectl"
        yield rest[:at]
        rest = rest[at + 2 :]
    yield rest


def write_files(archive: Archive, folder: Path) -> None:
    """What a person has in files: the passwords, and the authority of PostgreSQL's certificate."""
    files = {
        "writer-password": archive.passwords[WRITER],
        "owner-password": archive.passwords[OWNER],
        "ca.crt": archive.authority,
    }
    for name, content in files.items():
        (folder / name).write_text(content)
