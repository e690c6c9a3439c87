"""The command line: arguments in, exit code out. kubectl's flag names where kubectl has them."""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli import options, standard_output
from archiver.errors import ArchiverError, Configuration

if TYPE_CHECKING:
    from archiver.domain.tally import Settled

# As the database counts them.
_REVISION = click.IntRange(0, 2**31 - 1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kubernaut-archiver", prog_name="archiver")
@click.option("--config", type=click.Path(dir_okay=False), help="YAML file of settings.")
@click.pass_context
def cli(context: click.Context, config: str | None) -> None:
    """Save the audit trail of completed resources to PostgreSQL before cleanup deletes them."""
    context.obj = config


@cli.command()
@options.work
@click.pass_obj
def run(config: str | None, /, **flags: Any) -> None:
    """Archive what is due: completed and close to its cleanup. What the CronJob runs."""
    _work_command(config, "run", flags)


@cli.command()
@options.work
@click.option(
    "--from", "files", multiple=True, metavar="FILE|DIR|-", help="Read dumps instead of a cluster."
)
@click.option(
    "--kind",
    type=options.TEXT,
    help="Kind of the resource in dumps, where its plural is an unusual one.",
)
@click.option("--since", type=options.TEXT, help="Only completed at or after this RFC 3339 time.")
@click.option("--until", type=options.TEXT, help="Only completed before this RFC 3339 time.")
@options.cluster_id("uid of the namespace kube-system, where a dump does not say.")
@click.pass_obj
def backfill(config: str | None, /, **flags: Any) -> None:
    """Archive everything terminal, whatever its age; from a cluster or from dumps of one."""
    _work_command(config, "backfill", flags)


@cli.command()
@options.database
@options.output
@click.pass_obj
def migrate(config: str | None, /, **flags: Any) -> None:
    """Bring the schema of the archive up to date, as its owner. Does nothing when it is."""
    from archiver.cli import compose, show
    from archiver.db.migrate import migrate as upgrade

    output = flags.pop("output") or _default_output()
    result = upgrade(compose.open_engine(_settings(config, flags)))
    if output == "table":
        click.echo(f"before {result.before or 'nothing'} → after {result.after}")
        for statement in result.left_out:
            click.echo(f"left to the owner of the database: {statement};")
    else:
        show.dump(result.as_dict(), output)


@cli.command()
@click.argument("name", type=options.TEXT)
@options.database
@options.namespace("Namespace of the resource, where NAME is no uid.")
@options.cluster_id("Only of this cluster: its kube-system's uid, or the nil UUID: unknown ones.")
@click.option("--revision", type=_REVISION, help="This revision instead of the newest.")
@click.option(
    "-o", "--output", type=click.Choice(["json", "yaml"]), default="yaml", show_default=True
)
@click.pass_obj
def get(config: str | None, /, name: str, **flags: Any) -> None:
    """Print an archived resource, by NAME or uid, exactly as it was."""
    from archiver.cli import archived, compose

    namespace, revision, output = (flags.pop(key) for key in ("namespace", "revision", "output"))
    chosen = _settings(config, flags)
    # The flag alone: the setting says which cluster is worked on, and an archive is of several.
    cluster_id = None if flags["cluster_id"] is None else chosen.cluster_id
    within = archived.Within(namespace, cluster_id)
    engine = compose.open_engine(chosen)
    archived.show(engine, name, within=within, revision=revision, output=output)


@cli.group()
def retention() -> None:
    """End the months of the archive that are over their time."""


@retention.command()
@options.database
@options.cluster
@click.option("--before", metavar="YYYY-MM", help="Only months before this one.")
@click.option("--keep-months", type=int, help="Months that are kept in any case.")
@click.option(
    "--gone", multiple=True, metavar="CLUSTER[/KIND]", help="Nothing of it lives any more."
)
@options.dry_run("client: read only, say what would happen. server: drop, and roll back.")
@options.output
@click.pass_obj
def drop(config: str | None, /, **flags: Any) -> None:
    """Drop months that are over their time, as the owner of the archive. There is no way back.

    A month stays under a legal hold, and while the cluster still has a resource born in it.
    """
    from archiver.cli import compose, dropping

    output = flags.pop("output") or _default_output()
    asked = dropping.Request.of(*(flags.pop(key) for key in ("before", "gone", "dry_run")))
    chosen = _settings(config, flags)
    compose.configure_log(chosen)
    _leave(dropping.drop(chosen, asked, output))


@cli.command()
@click.option(
    "-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True
)
@click.pass_obj
def settings(config: str | None, output: str) -> None:
    """Print the settings in force, without secrets."""
    from archiver.cli import show

    show.dump(_settings(config, {}).shown(), output)


def _work_command(config: str | None, mode: str, flags: dict[str, Any]) -> None:
    from archiver.cli import compose
    from archiver.cli.printing import printer
    from archiver.cli.task import task_of

    output = flags.pop("output") or _default_output()
    task_flags = {key: flags.pop(key, None) for key in _TASK_FLAGS}
    chosen = _loaded(config, flags)
    compose.configure_log(chosen)
    task = task_of(mode, chosen, task_flags)
    dry_run = task.dry_run != "none"
    # A bar among the lines of objects would be torn to pieces.
    bar = mode == "backfill" and not (sys.stdout.isatty() and (dry_run or output == "name"))
    printing = printer(output, dry_run=dry_run)
    with _watching(printing.settled, bar=bar and sys.stderr.isatty()) as watching:
        result = compose.execute(chosen, task, watching)
    printing.finished(result)
    _leave(result.exit_code)


def _watching(
    settled: Callable[["Settled"], None], *, bar: bool
) -> AbstractContextManager[Callable[["Settled"], None]]:
    """Rich takes time to import, and to count what it does not draw."""
    if not bar:
        return nullcontext(settled)
    from archiver.cli.watching import Watching

    return Watching(settled)


_TASK_FLAGS = ("namespace", "all_namespaces", "selector", "dry_run", "files", "since", "until")


def _settings(config: str | None, flags: dict[str, Any]) -> Any:
    from archiver.cli.variables import unknown_variables

    for name, meant in unknown_variables(os.environ).items():
        hint = f"; {meant} is one" if meant else ""
        click.echo(f"archiver: {name} is no setting{hint}", err=True)
    return _loaded(config, flags)


def _loaded(config: str | None, flags: dict[str, Any]) -> Any:
    from archiver.settings import load

    given = {key: value for key, value in flags.items() if value is not None}
    return load(Path(config) if config else None, **given)


def _default_output() -> str:
    return "table" if sys.stdout.isatty() else "json"


def _leave(code: int) -> None:
    """End the process now: a thread that hangs on a dead connection must not outlive the grace
    period, and everything that matters is committed or was never written.
    """
    final = standard_output.end(code)
    sys.stderr.flush()
    os._exit(final)


def main() -> None:
    """The console script."""
    standard_output.guard()
    sys.exit(standard_output.end(_done()))


def _done() -> int:
    """Do what the arguments say. Errors become one line on standard error and their exit code."""
    try:
        cli.main(prog_name="archiver", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return Configuration.exit_code
    except click.Abort:
        return 130
    except ArchiverError as error:
        click.echo(f"archiver: {error}", err=True)
        return error.exit_code
    except Exception:  # noqa: BLE001 - Python would exit with 1, which means something else here
        traceback.print_exc()
        return ArchiverError.exit_code
    return 0
