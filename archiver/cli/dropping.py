"""`archiver retention drop`: ends the months that are over their time, and says why others stay."""

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import structlog
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archiver.cli import compose, show
from archiver.cli.cluster import open_cluster
from archiver.db import retention
from archiver.domain import gotime
from archiver.domain.policy import SECOND
from archiver.domain.retention import (
    Fate,
    Living,
    Origin,
    Verdict,
    judge,
    over_their_time,
    parse_month,
)
from archiver.errors import ArchiverError, Configuration, Interrupted
from archiver.ports import Source
from archiver.settings import Settings
from archiver.shutdown import Shutdown

if TYPE_CHECKING:
    from sqlalchemy import Engine


_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for. `dry_run` is none, client or server."""

    before: date | None = None
    gone: Collection[str] = ()
    dry_run: str = "none"

    @classmethod
    def of(cls, before: str | None, gone: Collection[str], dry_run: str) -> "Request":
        """From the flags. Raises Configuration."""
        month = None if before is None else parse_month(before, name="--before")
        return cls(month, gone, dry_run)


@dataclass(slots=True)
class Report:
    """What became of each month that is over its time; `error` is what ended the work early."""

    dry_run: str
    verdicts: list[Verdict] = field(default_factory=list)
    purges: dict[date, retention.Purge] = field(default_factory=dict)
    error: ArchiverError | None = None

    @property
    def exit_code(self) -> int:
        """The error's, else 1 where a person has to look at a month, else 0."""
        if self.error is not None:
            return self.error.exit_code
        return max((verdict.exit_code for verdict in self.verdicts), default=0)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "apiVersion": "archiver.kubernaut.io/v1",
            "kind": "RetentionReport",
            "dryRun": self.dry_run,
            "months": [self._month(verdict) for verdict in self.verdicts],
            "error": None if self.error is None else str(self.error),
            "exitCode": self.exit_code,
        }

    def _month(self, verdict: Verdict) -> dict[str, Any]:
        found: dict[str, Any] = {"month": f"{verdict.month:%Y-%m}"}
        found |= {"fate": str(verdict.fate), "why": verdict.why}
        if purge := self.purges.get(verdict.month):
            found |= {"count": purge.count, "leavesSha256": purge.leaves_sha256.hex()}
        return found


def drop(settings: Settings, request: Request, output: str) -> int:
    """Do it and print the report; the exit code. Raises nothing of the archiver's tree."""
    report = Report(request.dry_run)
    try:
        for verdict, purge in _fates(settings, request):
            report.verdicts.append(verdict)
            if purge is not None:
                report.purges[verdict.month] = purge
    except ArchiverError as error:
        report.error = error
    _show(report, output)
    return report.exit_code


def _fates(
    settings: Settings, request: Request
) -> Iterator[tuple[Verdict, retention.Purge | None]]:
    stop = Shutdown(settings.deadline / SECOND, settings.grace / SECOND)
    stop.install()
    engine = compose.open_engine(settings)
    stored = retention.months(engine)
    if request.dry_run != "client":
        retention.require_owner(engine)
    source = open_cluster(settings, stop)
    today = gotime.to_datetime(source.now).date()
    over = over_their_time(
        stored, now=today, keep_months=settings.keep_months, before=request.before
    )
    if not over:
        return
    resource = source.resource
    origin = Origin(source.cluster_id, resource.group, resource.kind)
    living = Living(origin, months_of_living(source, engine))
    for month in over:
        if stop.requested():
            raise Interrupted(f"the command was asked to stop before it came to {month:%Y-%m}")
        # Placed at any time: asked anew for each, and once more by the database.
        held = retention.holds(engine)
        found = retention.origins(engine, month)
        verdict = judge(month, found, holds=held, living=living, gone=request.gone)
        _log.info("month.judged", month=f"{month:%Y-%m}", fate=verdict.fate, why=verdict.why)
        purge = None
        if verdict.fate is Fate.DROPPED and request.dry_run != "client":
            purge = retention.drop(engine, month, keep=request.dry_run == "none")
        yield verdict, purge


def months_of_living(source: Source, engine: "Engine") -> dict[date, str]:
    """month → one object born in it, of all that the cluster has.

    What cannot be read is looked up by its uid, should the archive have it from better days. Raises
    Configuration for what has no uid either, and what `source.pages` raises.
    """
    living: dict[date, str] = {}
    unread: dict[str, str] = {}
    for page in source.pages():
        for resource in page.resources:
            born = gotime.to_datetime(resource.key.created_at)
            living.setdefault(date(born.year, born.month, 1), str(resource))
        for item in page.unparsed:
            if not item.uid:
                raise Configuration(
                    f"{item.position} cannot be read ({item.reason}) and has no uid: nobody can "
                    "tell whether its month is one that is to go; mend or delete it first"
                )
            unread[item.uid] = item.position
    stored = retention.months_of(engine, source.cluster_id, unread) if unread else {}
    return {month: f"{unread[uid]} (uid {uid})" for month, uid in stored.items()} | living


def _show(report: Report, output: str) -> None:
    if output == "name":
        for verdict in report.verdicts:
            if verdict.fate is Fate.DROPPED:
                sys.stdout.write(f"{verdict.month:%Y-%m}\n")
    elif output == "table":
        _tables(report)
    else:
        show.dump(report.as_dict(), output)


def _tables(report: Report) -> None:
    console = Console(highlight=False)
    pretended = "" if report.dry_run == "none" else f", --dry-run={report.dry_run}: nothing changed"
    table = Table("month", "fate", title=f"retention drop{pretended}", title_justify="left")
    table.add_column("rows", justify="right")
    table.add_column("why")
    for verdict in report.verdicts:
        purge = report.purges.get(verdict.month)
        rows = "" if purge is None else str(purge.count)
        table.add_row(f"{verdict.month:%Y-%m}", verdict.fate, rows, Text(verdict.why))
    console.print(table)
    if not report.verdicts:
        console.print("no month is over its time")
    if report.error is not None:
        console.print(Text(f"ended early: {report.error}"))
    console.print(Text(f"exit code {report.exit_code}"))
