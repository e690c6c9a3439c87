"""What a person or a program sees: tables on a terminal, one document for machines."""

import json
import sys
from typing import Any, Final

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archiver.cli.standard_output import write
from archiver.domain import gotime
from archiver.domain.report import Effect, Outcome, RunReport
from archiver.domain.tally import Settled

_MEANING: Final = {
    Outcome.ARCHIVED: "stored and confirmed, and marked where a cluster was read",
    Outcome.ALREADY: "archived before, it or a newer state",
    Outcome.NOT_DUE: "left alone for now",
    Outcome.DEFERRED: "to be done by the next run",
    Outcome.QUARANTINED: "not archived as a record: needs a person",
    Outcome.GONE: "deleted meanwhile",
}
_WOULD: Final = _MEANING | {
    Outcome.ARCHIVED: "would be stored, and marked where a cluster is read",
    Outcome.NOT_DUE: "would be left alone for now",
    Outcome.DEFERRED: "would be left to the next run",
    Outcome.QUARANTINED: "would not be archived as a record: needs a person",
}
# Before the name of an object, of which a dry run has archived nothing.
_WOULD_BE: Final = {
    Outcome.ARCHIVED: "would be archived",
    Outcome.DEFERRED: "would be deferred",
    Outcome.QUARANTINED: "would be quarantined",
}
_NO_GATE: Final = {
    "none": "gate: none; what is deleted before a run is lost (kubectl apply -k deploy/guard/)",
    "partial": "gate: partial, the guard may let some objects go; see the event gate.off",
    "unknown": "gate: unknown, the guard could not be read; see the event gate.off",
}


class _Dumper(yaml.SafeDumper):
    """Takes an enumeration of texts for text, as JSON does."""


_Dumper.add_multi_representer(str, _Dumper.represent_str)


def written(document: Any, output: str) -> str:
    """One document as JSON or YAML, for people."""
    if output == "yaml":
        return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def dump(document: Any, output: str) -> None:
    """One document on standard output, as JSON or YAML.

    JSON is one line off a terminal: in a pod's log, where events are a line each, it is one more.
    """
    if output == "json" and not sys.stdout.isatty():
        write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        write(written(document, output))


def line(one: Settled) -> str:
    """What a dry run says of one object, on a line of its own."""
    would = _WOULD_BE.get(one.outcome, one.outcome)
    due = "" if one.due_at is None else f": due at {gotime.format_time(one.due_at)}"
    return _plain(f"{would:<20} {one.object}: {one.why}{due}") + "\n"


def _plain(text: str) -> str:
    """Without what moves a terminal's cursor, and without further lines."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def tables(result: RunReport, *, dry_run: bool) -> str:
    """The report of a run for people; as wide as the terminal."""
    # Rich ends the process where a pipe is closed, so it does not get to see standard output.
    console = Console(highlight=False)
    with console.capture() as capture:
        console.print(_counts(result, _WOULD if dry_run else _MEANING))
        for said in _besides(result, dry_run=dry_run):
            console.print(Text(said), soft_wrap=True)
    return capture.get()


def _counts(result: RunReport, meaning: dict[Outcome, str]) -> Table:
    shard = "" if result.shard is None else f", shard {result.shard}"
    table = Table(title=f"{result.mode} {result.run_id}{shard}", title_justify="left")
    table.add_column("outcome", no_wrap=True)
    table.add_column("objects", justify="right", no_wrap=True)
    table.add_column("meaning", overflow="fold")
    for outcome in Outcome:
        table.add_row(outcome, str(result.outcomes[outcome]), meaning[outcome])
    table.add_section()
    table.add_row("found", str(result.found), f"in {result.seconds:.1f} s")
    return table


def _besides(result: RunReport, *, dry_run: bool) -> list[str]:
    done = [f"{result.effects[e]} {e.value}" for e in Effect if result.effects[e]]
    effects = ", ".join(done) or "none"
    notes = (
        (result.ignored, f"passed over, of other kinds or names: {result.ignored.total()}"),
        (result.gate in _NO_GATE, _NO_GATE.get(result.gate, "")),
        (result.shard, f"left to other shards: {result.other_shards}"),
        (not dry_run, f"effects: {effects}"),
        (dry_run, f"dry run, nothing was written; effects would be: {effects}"),
    )
    warnings = [f"warning: {caution.message}" for caution in result.cautions]
    problems = [f"{one.object}: {one.reason}: {one.message}" for one in result.problems[:20]]
    error = [] if result.error is None else [f"ended early: {result.error}"]
    said = [note for holds, note in notes if holds]
    return [*said, *warnings, *problems, *error, f"exit code {result.exit_code}"]
