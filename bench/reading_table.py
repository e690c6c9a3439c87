"""The section "Reading" of bench/RESULTS.md."""

from collections.abc import Callable, Sequence
from typing import Any

_Figures = dict[str, Any]


def _p95(name: str) -> Callable[[_Figures], str]:
    return lambda found: f"{found[name]['p50']:,} / {found[name]['p95']:,}"


def _one(name: str) -> Callable[[_Figures], str]:
    return lambda found: f"{found[name]:,}"


def _more(view: str, bare: str) -> Callable[[_Figures], str]:
    return lambda found: " / ".join(
        f"{found[view][part] - found[bare][part]:+,.1f}" for part in ("p50", "p95")
    )


_LINES: Sequence[tuple[str, str, Callable[[_Figures], str]]] = (
    ("one alert, 20 records, warm: p50 / p95", "p95 < 100", _p95("alert")),
    ("the same, nothing in memory: p50 / p95", "p95 < 100", _p95("alertCold")),
    ("the very first query of a server", "", _one("alertFirstMs")),
    ("a busy alert, warm: p50 / p95", "", _p95("busy")),
    ("7-day aggregate, warm: p50 / p95", "< 1,000", _p95("accuracy")),
    ("the same, nothing in memory", "< 1,000", _one("accuracyColdMs")),
    ("slow enrichments, verbatim", "", _one("slowMs")),
    ("the same by number: p50 / p95", "", _p95("slowByNumber")),
    ("one alert: view less bare table, p50 / p95", "≤ +20", _more("alertOfView", "alertBare")),
    ("7 days: view less bare table, p50 / p95", "≤ +20", _more("accuracyOfView", "accuracyBare")),
    ("full scan of the bare table", "", _one("scanBareMs")),
    ("full scan: view of bare table, ratio", "≤ 1.30", _one("scanOfBare")),
)


def reading_section(document: dict[str, Any]) -> str:
    """As Markdown."""
    columns = [
        (f"{share}, {setting}", document["byRevised"][share][setting])
        for share in document["byRevised"]
        for setting in ("on", "off")
    ]
    warm = next(iter(document["byRevised"].values()))["on"]
    lines = [
        "## Reading",
        "",
        f"`python -m bench.reading --rows {document['rows']}` on {document['date']}: "
        f"{document['machine']}; PostgreSQL {document['postgresql']} on a disk, shared_buffers "
        f"{document['settings']['shared_buffers']}. {document['rows']:,} objects in "
        f"{document['months']} months, {document['bytesPerRow']:,} bytes a row with indexes; "
        f"{document['samples']} alerts. Milliseconds. Columns: how many objects are revised, and "
        "`enable_partitionwise_join`, which `archiver migrate` sets on.",
        "",
        "| | target | " + " | ".join(name for name, _ in columns) + " |",
        f"|---|---|{'---:|' * len(columns)}",
    ]
    for name, target, figure in _LINES:
        cells = " | ".join(figure(found) for _, found in columns)
        lines.append(f"| {name} | {target} | {cells} |")
    return "\n".join([*lines, "", *_words(document, warm), "", *_disk(document["onDisk"]), ""])


def _words(document: dict[str, Any], warm: _Figures) -> list[str]:
    got = document["byRevised"]
    commands = "; ".join(
        f"at {share} revised {found['get']['name']['p50']} / {found['get']['name']['p95']} ms by "
        f"name, {found['get']['uid']['p50']} / {found['get']['uid']['p95']} ms by uid"
        for share, found in got.items()
    )
    once = next(iter(got.values()))["get"]["commandMs"]
    new, dropped = document["accuracyNotVacuumed"], document["dropped"]
    return [
        f"`archiver get`, p50 / p95 (target p95 < 100): {commands}; the command as a whole {once} "
        "ms, most of it the start of Python.",
        "",
        f"A busy alert has {warm['busyRows']:,} records, slow enrichments are "
        f"{warm['slowRows']:,}. The 7-day aggregate before the newest fifth of the month had its "
        f"VACUUM: {new['p50']} / {new['p95']} ms.",
        "",
        f"The end of the oldest month of {dropped['ofRows']:,} rows, {dropped['rows']:,} with "
        f"their leaves compared: {dropped['ms']:,} ms.",
    ]


def _disk(disk: dict[str, Any]) -> list[str]:
    methods = [name for name in ("lz4", "pglz") if name in disk]
    lines = [
        f"Bytes on disk of a record ({disk['records']:,} of them, written by the store, content "
        f"of {disk['contentBytes']:,} bytes):",
        "",
        "| | heap | TOAST | indexes | batch | all |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for method in methods:
        parts = [disk[method][part] for part in ("heap", "toast", "indexes", "batch")]
        cells = " | ".join(f"{part:,}" for part in [*parts, sum(parts)])
        lines.append(f"| {method} | {cells} |")
    each = ", ".join(f"{name} {size}" for name, size in disk[methods[0]]["each"].items())
    shown = ", ".join(f"{disk[method]['manifestMs']} ms with {method}" for method in methods)
    return [*lines, "", f"Of the indexes: {each}.", "", f"Showing a manifest of it: {shown}."]
