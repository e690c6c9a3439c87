"""Sections of bench/RESULTS.md that are measured by commands of their own."""

from collections.abc import Mapping
from typing import Any, Final

# What `bench.stages` measures, and what each is wanted to be at most, in microseconds.
_STAGES: Final = (
    ("parse", "reading the head of an object, the rest as bytes"),
    ("planNotDue", "deciding on one that is not due"),
    ("planAlready", "on one that is archived: its digest is computed"),
    ("planDue", "on one that is due: its record is made, digest and all"),
    ("evidence", "of that: the evidence and its digest"),
    ("convert", "of that: the columns"),
    ("row", "a row of a record, with the SHA-256 of all columns"),
    ("leaf", "its entry in the batch manifest"),
    ("confirm", "what is stored of one is read back"),
    ("waits", "packed and unpacked, to wait for its mark"),
    ("logged", "its line of log"),
    ("notDue", "a page behind its list: none due"),
    ("already", "the same: all archived already"),
    ("archived", "the same: all archived now"),
)


def stages_section(document: Mapping[str, Any]) -> str:
    """As Markdown."""
    spent, store = document["cpuMicroseconds"], document["store"]
    lines = [
        "## Stages",
        "",
        f"`python -m bench.stages` on {document['date']}: {document['machine']}; no API server. "
        f"Own CPU of one object in microseconds, best of {document['rounds']} pages of "
        f"{document['pageSize']}, {document['bytesPerObject']:,} bytes each, a third of each "
        "shape.",
        "",
        "| stage | | us |",
        "|---|---|---:|",
    ]
    lines += [f"| {name} | {what} | {spent[name]} |" for name, what in _STAGES]
    rates = store["rows_per_second"]
    return "\n".join(
        [
            *lines,
            "",
            "The store stage, from what was decided to what is confirmed, of a bare COPY of rows "
            f"that are ready: **{store['staged_of_bare']}** (target ≥ 0.8): {rates['staged']:,} "
            f"rows a second of {rates['bare']:,}; of rows that are there already, "
            f"{rates['again']:,}.",
            "",
        ]
    )


def shards_section(document: Mapping[str, Any]) -> str:
    """As Markdown."""
    lines = [
        "## Shards",
        "",
        f"`python -m bench.latency --objects {document['objects']}` on {document['date']}: "
        f"{document['machine']}; Kubernetes {document['kubernetes']}. "
        f"{document['latencyMs']:g} ms more for each round trip to the API server, "
        f"{document['contextBytes']:,} bytes of context. Target: four shards ≥ 3.6 times one.",
        "",
        "| shards | marks at once, each | objects/s | times one | own CPU, ms | servers' CPU, ms "
        "| cores busy |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one, many in document["pairs"]:
        for row in (one, many):
            cells = [
                str(row["shards"]),
                str(row["workers"]),
                f"{row['perSecond']:.0f}",
                f"{row['perSecond'] / one['perSecond']:.2f}",
                f"{row['ownCpuMs']:.1f}",
                f"{row['serversCpuMs']:.1f}",
                f"{row['coresBusy']:.0%}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
