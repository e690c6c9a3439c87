"""Flags that several commands have, in kubectl's words where kubectl has them."""

import os
import re
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from archiver.errors import Configuration

# RFC 1123, as Kubernetes names namespaces.
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


class _Text(click.ParamType[str]):
    """Text that can be sent: an argument of other bytes, or of another encoding than the locale's,
    becomes text with surrogates.
    """

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself. Raises click.BadParameter."""
        try:
            str(value).encode()
        except UnicodeEncodeError:
            shown = ascii(os.fsencode(value))[1:]
            self.fail(f"{shown} is no text in {sys.getfilesystemencoding()}", param, ctx)
        return str(value)


TEXT: Final = _Text()
_OUTPUTS = click.Choice(["table", "json", "yaml", "name"])


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def dry_run(meaning: str) -> Callable[[Any], Any]:
    """kubectl's flag; what its two words mean differs from command to command."""
    kinds = click.Choice(["none", "client", "server"])
    return click.option("--dry-run", type=kinds, default="none", show_default=True, help=meaning)


def _label(_context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    if name is not None and not _LABEL.fullmatch(name):
        # It would become part of a path, and the answer to that would be about something else.
        raise Configuration(
            f"{option.opts[-1]} {name!r} is no name of a namespace: at most 63 lower-case letters, "
            "digits and hyphens, with a letter or a digit at both ends (RFC 1123)"
        )
    return name


def namespace(meaning: str) -> Callable[[Any], Any]:
    """One namespace by its name."""
    return click.option("-n", "--namespace", type=TEXT, callback=_label, help=meaning)


def cluster_id(meaning: str) -> Callable[[Any], Any]:
    """One cluster by its id; that it is a UUID is checked with the settings."""
    return click.option("--cluster-id", type=TEXT, help=meaning)


database = _options(
    click.option(
        "--database-url", type=TEXT, help="libpq URI of the archive [ARCHIVER_DATABASE_URL]."
    ),
    click.option("--database-password-file", help="File with the password of the database user."),
)
output = click.option(
    "-o", "--output", type=_OUTPUTS, help="Default: table on a terminal, else json."
)
cluster = _options(
    click.option("--kubeconfig", help="Path of the kubeconfig [KUBECONFIG]."),
    click.option("--context", type=TEXT, help="Context of the kubeconfig."),
    click.option(
        "--resource", type=TEXT, help="plural.group or plural.version.group of the resource."
    ),
)
work = _options(
    database,
    cluster,
    namespace("Only this namespace."),
    click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces (the default)."),
    click.option("-l", "--selector", type=TEXT, help="Label selector, as kubectl's."),
    dry_run("client: read only, say what would happen. server: prove rights and schema as well."),
    click.option("--retention", help="From completion to cleanup, e.g. 24h."),
    click.option("--lead", help="How long before cleanup an object is due, e.g. 6h."),
    click.option("--workers", type=int, help="Marks under way at once."),
    click.option("--max-marks-per-second", type=float, help="Upper rate of marks."),
    click.option("--shard", metavar="I/N", help="Only part I (from 0) of N parts of all objects."),
    output,
)
