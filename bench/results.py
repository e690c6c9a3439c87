"""Figures as JSON, as a table and as a plot."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.reading_table import reading_section
from bench.rivals import write_rivals
from bench.sections import shards_section, stages_section

_Row = dict[str, Any]

# What one bare PATCH cost the API server where the targets were set, in ms of its CPU.
_PATCH_THERE = 4.5


def _of_a_patch(measured: str) -> Callable[[_Row], float]:
    return lambda row: round(float(row[measured]["cpuMs"] / row["barePatchCpuMs"]["apiServer"]), 3)


def _cpu(of: str, server: str) -> Callable[[_Row], float]:
    return lambda row: float(row[of][server])


def _shown(figure: Callable[[_Row], float], row: _Row) -> str:
    """A figure that an earlier release did not measure is a dash."""
    try:
        return f"{figure(row):,}"
    except KeyError:
        return "–"


_Figures = tuple[tuple[str, str, Callable[[_Row], float]], ...]

# Where all of the CPU goes: of both cores, from the start of the process to its end.
_CPU: Final[_Figures] = (
    ("an archived object, ms of CPU: archiver", "", _cpu("wholeCpuMs", "archiver")),
    ("the same: API server", "", _cpu("wholeCpuMs", "apiServer")),
    ("the same: etcd", "", _cpu("wholeCpuMs", "etcd")),
    ("the same: PostgreSQL", "", _cpu("wholeCpuMs", "postgresql")),
    ("the same: nobody of them", "", _cpu("wholeCpuMs", "left")),
    ("a bare PATCH, ms of CPU: API server", "", _cpu("barePatchCpuMs", "apiServer")),
    ("the same: etcd", "", _cpu("barePatchCpuMs", "etcd")),
    ("the same: nobody of them", "", _cpu("barePatchCpuMs", "left")),
)
_TARGETS: Final[_Figures] = (
    ("whole run of bare PATCH", "≥ 0.85", lambda row: row["wholeOfBarePatch"]),
    ("own CPU per archived object, ms", "≤ 0.7", lambda row: row["whole"]["cpuMs"]),
    ("own CPU per object not due, ms", "≤ 0.06", lambda row: row["notDue"]["cpuMs"]),
    ("own CPU per object archived already, ms", "≤ 0.10", lambda row: row["again"]["cpuMs"]),
    (
        "API server's CPU for one bare PATCH, ms",
        f"{_PATCH_THERE} there",
        lambda row: row["barePatchCpuMs"]["apiServer"],
    ),
    ("own CPU of that: per archived object", f"≤ {0.7 / _PATCH_THERE:.3f}", _of_a_patch("whole")),
    ("own CPU of that: not due", f"≤ {0.06 / _PATCH_THERE:.3f}", _of_a_patch("notDue")),
    ("own CPU of that: archived already", f"≤ {0.1 / _PATCH_THERE:.3f}", _of_a_patch("again")),
    ("peak RSS, MiB", "≤ 150", lambda row: row["whole"]["rssMiB"]),
    ("second run of the first", "≤ 0.10", lambda row: row["againOfWhole"]),
    ("whole run, objects/s", "≥ 300", lambda row: row["whole"]["perSecond"]),
    ("bare PATCH, requests/s", "", lambda row: row["barePatchPerSecond"]),
    ("bare LIST, objects/s", "", lambda row: row["bareListPerSecond"]),
    ("without marks, objects/s", "≥ 3,900", lambda row: row["unmarked"]["perSecond"]),
    ("without marks, own CPU, ms", "", lambda row: row["unmarked"]["cpuMs"]),
    ("without marks, again, objects/s", "≥ 4,620", lambda row: row["unmarkedAgain"]["perSecond"]),
    ("second run, objects/s", "≥ 4,620", lambda row: row["again"]["perSecond"]),
    ("requests per object", "", lambda row: row["requestsPerObject"]),
    *_CPU,
)


def machine() -> str:
    """What the figures are of: another one has others."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def write_results(document: dict[str, Any], folder: Path) -> None:
    """results.json, results.svg, RESULTS.md, and the table of README.md, in this folder."""
    (folder / "results.svg").write_text(plot(document["rows"]))
    if (readme := folder / "README.md").exists():
        write_rivals(document, readme)
    write_part("results", document, folder)


def write_part(name: str, document: Mapping[str, Any], folder: Path) -> None:
    """NAME.json, and RESULTS.md with its section, in this folder. NAME is one of `PARTS`."""
    (folder / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "RESULTS.md").write_text(results_of(folder))


def results_of(folder: Path) -> str:
    """Each section from its own figures, so that measuring one of them keeps the others."""
    sections = [
        write(json.loads(file.read_text()))
        for name, write in PARTS.items()
        if (file := folder / f"{name}.json").exists()
    ]
    return "\n".join(sections)


def table(document: dict[str, Any]) -> str:
    """As Markdown."""
    rows, once = document["rows"], document["once"]
    head = " | ".join(f"{row['count']:,}" for row in rows)
    lines = [
        "# Results",
        "",
        f"`make bench` on {document['date']}: {document['machine']}, shared with the servers; "
        f"Kubernetes {document['kubernetes']}, PostgreSQL {document['postgresql']}. Ratios are of "
        "one run; rates on another machine are others. What is measured: [README.md](README.md).",
        "",
        "One resource in ten has not ended, and is left alone; per object means per archived one.",
        "",
        f"| resources | target | {head} |",
        f"|---|---|{'---:|' * len(rows)}",
    ]
    for name, target, figure in _TARGETS:
        cells = " | ".join(_shown(figure, row) for row in rows)
        lines.append(f"| {name} | {target} | {cells} |")
    lines += [
        "",
        f"An empty cluster: {once['emptyClusterCpuSeconds']} s of own CPU (target 0.7); to import "
        f"other people's packages alone takes {once['packagesCpuSeconds']} s. "
        f"`archiver --help`: {once['helpCpuSeconds']} s (target 0.25). "
        f"100 objects of 1.4 MB: {once['largeObjectsRssMiB']} MiB at the peak (target 150). An "
        f"archived object takes {once['bytesReceivedPerObject']:,} bytes from the API server and "
        f"{once['bytesSentPerObject']:,} to it, TLS included.",
        "",
        "![rate and memory against the number of resources](results.svg)",
        "",
    ]
    return "\n".join(lines)


PARTS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    "results": table,
    "stages": stages_section,
    "shards": shards_section,
    "reading": reading_section,
}


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """Rate of the whole run, of bare PATCH, and peak memory, against the number of resources."""
    series = {
        "whole run, objects/s": ("#1f77b4", [row["whole"]["perSecond"] for row in rows]),
        "bare PATCH, requests/s": ("#7f7f7f", [row["barePatchPerSecond"] for row in rows]),
        "peak RSS, MiB": ("#d62728", [row["whole"]["rssMiB"] for row in rows]),
    }
    most = max(max(values) for _, values in series.values()) or 1
    largest = max(row["count"] for row in rows)
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320" font-size="12">']
    parts.append('<path d="M60 20V270H600" fill="none" stroke="black"/>')
    for at in range(5):
        y = 270 - 240 * at / 4
        parts.append(f'<text x="55" y="{y + 4:.0f}" text-anchor="end">{most * at / 4:.0f}</text>')
    for row in rows:
        x = 60 + 540 * row["count"] / largest
        parts.append(f'<text x="{x:.0f}" y="290" text-anchor="middle">{row["count"]:,}</text>')
    for number, (name, (colour, values)) in enumerate(series.items()):
        points = [
            (60 + 540 * row["count"] / largest, 270 - 240 * value / most)
            for row, value in zip(rows, values, strict=True)
        ]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<text x="{70 + 190 * number}" y="312" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
