"""What `run` and `backfill` print: each object as it is settled, and the report at the end.

Objects are named by a dry run, and by `-o name`. Nothing is held back, so that memory does not
depend on their number; that is why `objects` comes before the counts.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from archiver.cli import show
from archiver.cli.standard_output import write
from archiver.domain import gotime
from archiver.domain.report import HEAD, Outcome, RunReport
from archiver.domain.tally import Settled


class Printer(Protocol):
    """Prints one run in one format."""

    def settled(self, one: Settled) -> None:
        """One object's end."""

    def finished(self, result: RunReport) -> None:
        """The report."""


def printer(output: str, *, dry_run: bool) -> Printer:
    """The printer for one of the formats of `-o`."""
    if output == "name":
        return Names()
    if output == "table":
        return Tables(dry_run)
    if not dry_run:
        return Whole(output)
    return Json() if output == "json" else Yaml()


class Names:
    """kubectl's form, of what is archived (or would be)."""

    def settled(self, one: Settled) -> None:
        """One line."""
        if one.outcome is Outcome.ARCHIVED:
            write(one.reference + "\n")

    def finished(self, result: RunReport) -> None:
        """Nothing: whoever pipes names wants nothing but names."""


@dataclass(frozen=True, slots=True)
class Tables:
    """For people."""

    dry_run: bool

    def settled(self, one: Settled) -> None:
        """One line, however long: names and uids are to be copied whole."""
        if self.dry_run:
            write(show.line(one))

    def finished(self, result: RunReport) -> None:
        """The counters and what is to be said besides."""
        write(show.tables(result, dry_run=self.dry_run))


@dataclass(frozen=True, slots=True)
class Whole:
    """The report alone, as one document."""

    output: str

    def settled(self, one: Settled) -> None:
        """Nothing."""

    def finished(self, result: RunReport) -> None:
        """The document."""
        show.dump(result.as_dict(), self.output)


class Json:
    """One JSON document with its objects."""

    def __init__(self) -> None:
        self._before = show.written(HEAD, "json").removesuffix("\n}\n") + ',\n  "objects": ['

    def settled(self, one: Settled) -> None:
        """Its part of the document."""
        write(self._before + "\n    " + json.dumps(_object(one), ensure_ascii=False))
        self._before = ","

    def finished(self, result: RunReport) -> None:
        """The rest of the document."""
        opened = "" if self._before == "," else self._before
        write(opened + "\n  ],\n" + show.written(_rest(result), "json").removeprefix("{\n"))


class Yaml:
    """One YAML document with its objects."""

    def __init__(self) -> None:
        self._before = show.written(HEAD, "yaml") + "objects:\n"

    def settled(self, one: Settled) -> None:
        """Its part of the document."""
        write(self._before + show.written([_object(one)], "yaml"))
        self._before = ""

    def finished(self, result: RunReport) -> None:
        """The rest of the document."""
        opened = self._before.replace("objects:", "objects: []")
        write(opened + show.written(_rest(result), "yaml"))


def _rest(result: RunReport) -> dict[str, Any]:
    return {key: value for key, value in result.as_dict().items() if key not in HEAD}


def _object(one: Settled) -> dict[str, str]:
    named = {"object": one.object, "uid": one.uid, "outcome": one.outcome, "why": one.why}
    return named if one.due_at is None else named | {"dueAt": gotime.format_time(one.due_at)}
