"""Start a server for a person: `python -m tests.postgres`."""

import shutil
import signal
from pathlib import Path

import click

from tests.postgres.binaries import Kind, find_installation
from tests.postgres.errors import PostgresError
from tests.postgres.folder import stale_folders
from tests.postgres.server import PostgresServer


@click.command()
@click.option(
    "--prefer",
    type=click.Choice(["system", "wheel"]),
    default="system",
    show_default=True,
    help="Which installation, where there are both.",
)
@click.option("--port", default=0, help="The TCP port on 127.0.0.1. Default: a free one.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="postgresql.conf")
@click.option(
    "--remove-stale",
    type=click.Path(exists=True, path_type=Path),
    metavar="DIR",
    help="Start nothing; delete what killed servers left in DIR (/tmp, /dev/shm).",
)
def main(prefer: Kind, port: int, settings: tuple[str, ...], remove_stale: Path | None) -> None:
    """Start a PostgreSQL server of its own, print its URI, and stop it on Ctrl-C."""
    if remove_stale:
        for folder in stale_folders(remove_stale):
            shutil.rmtree(folder)
            click.echo(f"removed {folder}")
        return
    # A closed terminal and `kill` stop it like Ctrl-C, with the folder removed.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    wanted = dict(_name_and_value(setting) for setting in settings)
    try:
        installation = find_installation(prefer)
        with PostgresServer.start(installation, settings=wanted, port=port) as server:
            click.echo(server.superuser_url())
            click.echo(f"{installation}, log in {server.log}; Ctrl-C ends it", err=True)
            raise click.ClickException(f"the server ended by itself: exit status {server.wait()}")
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    except PostgresError as error:
        raise click.ClickException(str(error)) from error


def _name_and_value(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise click.BadParameter(f"{setting!r} is not NAME=VALUE", param_hint="--set")
    return name, value


if __name__ == "__main__":
    main()
