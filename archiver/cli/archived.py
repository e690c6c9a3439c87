"""`archiver get`: gives a resource back as it was archived."""

import sys
from typing import TYPE_CHECKING

from archiver.cli.exact_yaml import exact_yaml
from archiver.db.archive import Archived, find
from archiver.domain import canonical
from archiver.errors import Configuration

if TYPE_CHECKING:
    from sqlalchemy import Engine


def show(
    engine: "Engine", name: str, *, namespace: str | None, revision: int | None, output: str
) -> None:
    """Print the newest object of that uid or name. Raises Configuration where there is none.

    Several objects may have had the name: the youngest is shown, the others are named on standard
    error.
    """
    found = find(engine, name, namespace=namespace, revision=revision)
    if not found:
        where = f" in namespace {namespace}" if namespace else ""
        raise Configuration(f"nothing is archived under the name or uid {name!r}{where}")
    for other in found[1:]:
        print(f"also: {other.namespace}/{other.name} uid {other.uid}", file=sys.stderr)  # noqa: T201 - a hint for the person at the terminal
    _print(whole(found[0]), output)


def whole(archived: Archived) -> bytes:
    """Evidence and circumstances put together again: canonical JSON, number literals as stored."""
    members = canonical.members(archived.content)
    metadata = canonical.members(members["metadata"]) | canonical.members(archived.circumstances)
    return canonical.canonical_object(members | {"metadata": canonical.canonical_object(metadata)})


def _print(content: bytes, output: str) -> None:
    if output == "json":
        # The very bytes: a pretty printer would have to decode, and with it touch the literals.
        sys.stdout.buffer.write(content + b"\n")
    else:
        try:
            text = exact_yaml(content)
        except RecursionError:
            raise Configuration("it is nested too deep for YAML: ask for -o json") from None
        sys.stdout.write(text)
