"""The table "Beside others" of bench/README.md, with our measured figures."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

_BEGIN: Final = "<!-- written by bench/rivals.py from results.json -->"
_END: Final = "<!-- until here -->"
_COUNT: Final = 10_000
# KubeArchive's vacuum and sink, 10,000 resources of 9.4 KB on 2 cores, 2026-11-23.
_ONLY, _AGAIN, _WITH_DELETION, _MIB, _CPU_MS = 396, 462, 5, 713, 3.9

_Row = Mapping[str, Any]


def _times(rate: float, theirs: float) -> str:
    return f"{rate:,.0f}/s, {rate / theirs:.1f} times"


def _all_parts(row: _Row) -> float:
    spent = row["wholeCpuMs"]
    return float(sum(spent[part] for part in ("archiver", "apiServer", "etcd", "postgresql")))


_LINES: Final[tuple[tuple[str, str, str, str, Callable[[_Row], str]], ...]] = (
    (
        "archive only, never seen",
        f"{_ONLY}/s, {_CPU_MS} ms of CPU each over all parts",
        "about 90 rows/s on one connection",
        "10 times",
        lambda row: (
            f"{_times(row['unmarked']['perSecond'], _ONLY)} "
            f"({row['unmarked']['cpuMs']} ms of CPU each, own)"
        ),
    ),
    (
        "again, with nothing new",
        f"{_AGAIN}/s: everything is sent again",
        "–",
        "10 times",
        lambda row: _times(row["again"]["perSecond"], _AGAIN),
    ),
    (
        "the same, of what bears no marks",
        f"{_AGAIN}/s",
        "–",
        "10 times",
        lambda row: _times(row["unmarkedAgain"]["perSecond"], _AGAIN),
    ),
    (
        "archive, then mark or delete",
        f"{_WITH_DELETION}/s",
        "–",
        "60 times",
        lambda row: (
            f"{_times(row['whole']['perSecond'], _WITH_DELETION)} "
            f"({_all_parts(row):.1f} ms of CPU each over all parts)"
        ),
    ),
    (
        "peak memory",
        f"{_MIB} MB, growing with the number",
        "–",
        "",
        lambda row: f"{row['whole']['rssMiB']} MiB, flat",
    ),
)


def rivals_table(document: Mapping[str, Any]) -> str:
    """As Markdown, of the row with 10,000 resources, or of the largest."""
    rows = {row["count"]: row for row in document["rows"]}
    row = rows.get(_COUNT, rows[max(rows)])
    lines = [
        _BEGIN,
        "",
        "| | KubeArchive (vacuum and sink) | Argo's workflow archive | wanted | here, "
        f"{row['count']:,} resources |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {theirs} | {argos} | {wanted} | {figure(row)} |"
            for name, theirs, argos, wanted, figure in _LINES
        ),
        "",
        _END,
    ]
    return "\n".join(lines)


def write_rivals(document: Mapping[str, Any], readme: Path) -> None:
    """Replace the table in this file. Raises ValueError where its place is not marked."""
    text = readme.read_text(encoding="utf-8")
    before, after = text.index(_BEGIN), text.index(_END) + len(_END)
    readme.write_text(text[:before] + rivals_table(document) + text[after:], encoding="utf-8")
