"""What a person or a program sees: tables on a terminal, one JSON document for machines."""

import json
import sys
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archiver.domain.report import Effect, Outcome, RunReport
from archiver.domain.tally import Settled

_MEANING = {
    Outcome.ARCHIVED: "stored and confirmed, and marked where a cluster was read",
    Outcome.ALREADY: "archived before",
    Outcome.NOT_DUE: "left alone for now",
    Outcome.DEFERRED: "to be done by the next run",
    Outcome.QUARANTINED: "not archived as a record: needs a person",
    Outcome.GONE: "deleted meanwhile",
}


_NO_GATE = {
    "none": "gate: none; what is deleted before a run is lost (kubectl apply -k deploy/guard/)",
    "unknown": "gate: unknown, the guard's policy and binding may not be read",
}


def report(result: RunReport, lines: list[Settled], output: str) -> None:
    """Print the report of a run in the format that was asked for."""
    document = result.as_dict()
    if lines:
        document["objects"] = [_line(line) for line in lines]
    if output == "table":
        _tables(result, lines)
    elif output == "name":
        for line in lines:
            if line.outcome is Outcome.ARCHIVED:
                print(line.object)  # noqa: T201 - standard output is this command's product
    else:
        dump(document, output)


def dump(document: Any, output: str) -> None:
    """One document on standard output, as JSON or YAML."""
    if output == "yaml":
        yaml.safe_dump(document, sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _line(line: Settled) -> dict[str, str]:
    return {"object": line.object, "uid": line.uid, "outcome": line.outcome, "why": line.why}


def _tables(result: RunReport, lines: list[Settled]) -> None:
    console = Console(highlight=False)
    if lines:
        console.print(_objects(lines))
    shard = "" if result.shard is None else f", shard {result.shard}"
    counts = Table(title=f"{result.mode} {result.run_id}{shard}", title_justify="left")
    counts.add_column("outcome")
    counts.add_column("objects", justify="right")
    counts.add_column("meaning")
    for outcome in Outcome:
        counts.add_row(outcome, str(result.outcomes[outcome]), _MEANING[outcome])
    counts.add_section()
    counts.add_row("found", str(result.found), f"in {result.seconds:.1f} s")
    console.print(counts)
    if result.unreadable_status:
        console.print(f"status that is no object, not terminal: {result.unreadable_status}")
    if result.ignored:
        console.print(f"passed over, of other kinds: {result.ignored.total()}")
    if result.gate in ("none", "unknown"):
        console.print(Text(_NO_GATE[result.gate]))
    if result.shard is not None:
        console.print(f"left to other shards: {result.other_shards}")
    done = [f"{result.effects[e]} {e.value}" for e in Effect if result.effects[e]]
    console.print(Text("effects: " + (", ".join(done) or "none")))
    for problem in result.problems[:20]:
        console.print(Text(f"{problem.object}: {problem.reason}: {problem.message}"))
    if result.error is not None:
        console.print(Text(f"ended early: {result.error}"))
    console.print(Text(f"exit code {result.exit_code}"))


def _objects(lines: list[Settled]) -> Table:
    table = Table("object", "outcome", "why")
    for line in lines:
        # Text, so that brackets in a name are not read as markup.
        table.add_row(Text(line.object), line.outcome, Text(line.why))
    return table
