"""`archiver retention drop`: ends the months that are over their time, and says why others stay."""

import sys
from collections.abc import Collection
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
from archiver.db.retention import Contents
from archiver.domain import gotime
from archiver.domain.policy import SECOND
from archiver.domain.retention import (
    Fate,
    Living,
    Origin,
    Verdict,
    broken_off,
    judge,
    over_their_time,
    parse_month,
)
from archiver.errors import ArchiverError, Configuration, Integrity, Interrupted
from archiver.log import level_of
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
    contents: dict[date, Contents] = field(default_factory=dict)
    error: ArchiverError | None = None

    def settle(self, verdict: Verdict, contents: Contents | None = None) -> None:
        """What has become of one month, and what was in it, where that is gone."""
        self.verdicts.append(verdict)
        if contents is not None:
            self.contents[verdict.month] = contents
        _log.log(
            level_of(verdict.exit_code),
            "month.settled",
            month=f"{verdict.month:%Y-%m}",
            fate=verdict.fate,
            why=verdict.why,
            rows=None if contents is None else contents.count,
            dry_run=self.dry_run,
        )

    @property
    def exit_code(self) -> int:
        """The error's, else 1 where a person has to look at a month, else 0.

        Lost integrity outweighs them all.
        """
        worst = max((verdict.exit_code for verdict in self.verdicts), default=0)
        if self.error is None or worst == Integrity.exit_code:
            return worst
        return self.error.exit_code

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
        if contents := self.contents.get(verdict.month):
            found |= {"count": contents.count, "leavesSha256": contents.leaves_sha256.hex()}
        return found


def drop(settings: Settings, request: Request, output: str) -> int:
    """Do it and print the report; the exit code. Raises nothing of the archiver's tree."""
    report = Report(request.dry_run)
    try:
        _drop_all(settings, request, report)
    except ArchiverError as error:
        report.error = error
    _show(report, output)
    return report.exit_code


def _drop_all(settings: Settings, request: Request, report: Report) -> None:
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
        try:
            report.settle(*_end(engine, month, living, request))
        except ArchiverError as error:
            report.settle(broken_off(month, error))
            # Damage is one month's. Whatever else it is, the next month would meet it too.
            if not isinstance(error, Integrity):
                raise


def _end(
    engine: "Engine", month: date, living: Living, request: Request
) -> tuple[Verdict, Contents | None]:
    # Placed at any time: asked anew for each, and once more by the database.
    held = retention.holds(engine)
    found = retention.origins(engine, month)
    verdict = judge(month, found, holds=held, living=living, gone=request.gone)
    if verdict.fate is not Fate.DROPPED:
        return verdict, None
    if request.dry_run == "client":
        return verdict, retention.compare(engine, month)
    purge = retention.drop(engine, month, keep=request.dry_run == "none")
    return verdict, Contents(purge.count, purge.leaves_sha256)


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
        contents = report.contents.get(verdict.month)
        rows = "" if contents is None else str(contents.count)
        table.add_row(f"{verdict.month:%Y-%m}", verdict.fate, rows, Text(verdict.why))
    console.print(table)
    if not report.verdicts and report.error is None:
        console.print("no month is over its time")
    if report.error is not None:
        console.print(Text(f"ended early: {report.error}"))
    console.print(Text(f"exit code {report.exit_code}"))
