"""`make demo`: the main job on an embedded PostgreSQL and the bundled samples, without a cluster.

The API server is the small one of `demo.apiserver`, which passes the same contract tests as the
real one; PostgreSQL is real; the commands are the ones a person would type.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo import samples
from demo.apiserver import ApiServer
from demo.cluster import Cluster
from demo.sample_set import parents
from demo.sample_set import samples as sample_set
from tests.postgres.binaries import find_installation
from tests.postgres.server import PostgresServer

_CONSOLE = Console(highlight=False, width=min(shutil.get_terminal_size((110, 40)).columns, 130))
_QUERIES = {
    "All records of one alert": """SELECT completed_at, name, environment, status, confidence
FROM alert_processing_audit
WHERE alert_fingerprint = 'mem-pressure-prod-123' ORDER BY completed_at DESC""",
    "Accuracy of the last seven days": """SELECT environment, AVG(confidence), COUNT(*)
FROM alert_processing_audit
WHERE completed_at > NOW() - INTERVAL '7 days' GROUP BY environment""",
    "Slow enrichments": """SELECT name, processing_phases->0->>'duration' AS duration
FROM alert_processing_audit
WHERE (processing_phases->0->>'duration')::interval > INTERVAL '2 seconds'
ORDER BY (processing_phases->0->>'duration')::interval DESC""",
}


def main() -> int:
    """Run the demo. Returns 0 if every step ended as it should."""
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        tempfile.TemporaryDirectory(prefix="archiver-demo-") as folder,
        PostgresServer.start(find_installation("wheel")) as postgres,
        ApiServer(_cluster(now)) as api,
    ):
        # What the shell says of another archive is not meant for this one.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")}
        environment = inherited | {
            "ARCHIVER_DATABASE_URL": postgres.superuser_url(),
            "KUBECONFIG": str(api.write_kubeconfig(Path(folder) / "kubeconfig")),
            "ARCHIVER_LOG_LEVEL": "error",
            "COLUMNS": str(_CONSOLE.width),
        }
        files = samples.write(now, Path(folder) / "samples")
        codes = [_archiver(text, environment, *words) for text, words in _steps(files[2])]
        patches = api.cluster.requests["patch remediationprocessings"]
        _queries(postgres.superuser_url())
    _say(f"{patches} patches were sent: half of them by the dry run, none by the second run")
    return 0 if codes == [0] * len(codes) else 1


def _steps(successors: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [
        ("Make the schema", ("migrate",)),
        ("Prove rights and schema, write nothing", ("run", "--dry-run=server")),
        ("The real run: store, confirm, and only then mark", ("run",)),
        ("The same again writes nothing: no row, no mark", ("run",)),
        (
            "A dump of the successor resource, without a cluster",
            (
                "backfill",
                *("--resource", "signalprocessings.kubernaut.ai", "--from", str(successors)),
                *("--cluster-id", "5f2f2a9c-3f0c-4d5e-9d3c-0a4c7c1f6b10"),
            ),
        ),
    ]


def _cluster(now: datetime) -> Cluster:
    cluster = Cluster()
    for request in parents(now):
        if request["apiVersion"].startswith("remediation.kubernaut.io/"):
            cluster.create(request)
    for shape, sample in sample_set(now):
        if shape != "C":
            # One API server serves one storage version, and gives every object in it.
            cluster.create(sample | {"apiVersion": "remediationprocessing.kubernaut.io/v1"})
    return cluster


def _archiver(text: str, environment: dict[str, str], *words: str) -> int:
    _say(text)
    shown = " ".join(word if len(word) < 60 else "…/" + Path(word).name for word in words)
    _CONSOLE.print(Text(f"$ archiver {shown}", style="bold"))
    command = [sys.executable, "-m", "archiver", *words]
    if words[0] in {"run", "backfill", "migrate"}:
        command += ["-o", "table"]
    return subprocess.run(command, env=environment, check=False).returncode


def _queries(url: str) -> None:
    with psycopg.connect(url) as connection:
        for title, query in _QUERIES.items():
            _say(title)
            _CONSOLE.print(Text(query, style="dim"))
            cursor = connection.execute(query)
            table = Table(*(column.name for column in cursor.description or ()))
            for row in cursor:
                table.add_row(*(Text(_short(value)) for value in row))
            _CONSOLE.print(table)


def _short(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return "–" if value is None else str(value)[:60]


def _say(text: str) -> None:
    _CONSOLE.print()
    _CONSOLE.rule(Text(text, style="bold"), align="left")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
