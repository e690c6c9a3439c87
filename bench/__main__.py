"""`make bench`: the archiver against what the API server and PostgreSQL can do at all, in one run.

For each number of resources: the floor of bare LIST by pages, a run in which nothing is due, a run
without marks, the whole run in turns with bare concurrent PATCH of the same marks by wrk (the best
of several numbers of connections), a second run with nothing to do; once an empty cluster and
`--help`.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import urllib3

from bench.cluster import BenchCluster, bench_cluster, marks_of, path_in
from bench.cpu import Spent, until_answered
from bench.measured import Measured, Running, measure
from bench.results import write_results
from bench.turns import Patched, Turns
from bench.wrk import patch_rate
from tests.controlplane.cache import cache_root
from tests.integration.conftest import prepare_template
from tests.postgres.binaries import find_installation
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

PAGE = 200
# Objects a second: how long a run will take about, in which a number of turns has to fit.
EXPECTED_RATE = 110
_PAUSE = 0.05  # seconds
# Objects of this many bytes: 1.4 MB and a mark, of the 1.5 MiB that etcd takes.
LARGE, LARGE_BYTES = 100, 1_350_000


def main() -> None:
    """Measure, and write bench/RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[1_000, 3_000])
    parser.add_argument("--connections", type=int, nargs="*", default=[4, 8, 16])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    with servers() as (cluster, template, postgres), tempfile.TemporaryDirectory() as folder:
        rows: list[dict[str, Any]] = []
        alone: dict[str, float] = {}
        for count in options.counts:
            say(f"{count} resources: seeding")
            with template.clone() as archive, template.clone() as other:
                names = (archive.name, other.name)
                urls = [postgres.url(name, "writer", "writer") for name in names]
                processes = cluster.processes() | {"postgresql": postgres.pid}
                bench = Bench(cluster, urls, options, Path(folder), processes)
                rows.append(bench.one(count))
                if not alone:
                    alone = bench.alone() | {"largeObjectsRssMiB": bench.large()}
            say(json.dumps(rows[-1]))
        python = platform.python_version()
        document = {
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {python}",
            "kubernetes": cluster.control_plane.version,
            "postgresql": find_installation().version,
            "date": time.strftime("%Y-%m-%d"),
            "once": alone,
            "rows": rows,
        }
    write_results(document, options.output)


@contextmanager
def servers() -> Iterator[tuple[BenchCluster, TemplateDatabase, PostgresServer]]:
    """A control plane, and PostgreSQL with a database to be cloned."""
    with bench_cluster() as cluster, PostgresServer.start(parent=memory_folder()) as postgres:
        yield cluster, TemplateDatabase.prepare(postgres, prepare_template), postgres


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share. `urls` are two databases, the second for runs without marks;
    `processes` are the servers.
    """

    cluster: BenchCluster
    urls: list[str]
    options: argparse.Namespace
    folder: Path
    processes: Mapping[str, int]

    def one(self, count: int) -> dict[str, Any]:
        """Everything that is measured for one number of resources."""
        namespace = f"bench-{count}"
        resources = self.cluster.seed(namespace, count)
        # Other objects for the floor: a mark that is there already would change what a run does.
        floor = self.cluster.seed(f"{namespace}-floor", min(count, 1_000))
        requests = marks_of(f"{namespace}-floor", floor, self.folder / f"{count}.txt")
        listed = bare_list(self.cluster, namespace)
        not_due = self._run(namespace, "archiver", "run", ARCHIVER_RETENTION="9000h")
        unmarked = self._run(namespace, "bench.unmarked", "backfill")
        unmarked_again = self._run(namespace, "bench.unmarked", "backfill")
        turns = Turns.of_a_run(
            count / EXPECTED_RATE,
            self.processes,
            self._answered,
            patch=partial(self._patch, requests),
            connections=self.options.connections,
        )
        counted = self.cluster.requests()
        whole = self._run(namespace, "archiver", "backfill", beside=self._once_begun(turns))
        of_floors = sum(floor.count for floor in turns.floors.values())
        sent = self.cluster.requests() - counted - of_floors
        again = self._run(namespace, "archiver", "backfill")
        for measured, name in ((whole, "archived"), (again, "already"), (not_due, "notDue")):
            assert measured.report["counts"][name] == count, measured.report
        return {
            "count": count,
            "bareListPerSecond": round(count / listed),
            "barePatchPerSecond": round(turns.floor.per_second),
            "barePatchCpuMs": turns.floor.spent.per_object(turns.floor.count),
            "barePatchTurns": {c: round(f.per_second, 1) for c, f in turns.floors.items()},
            "whole": figures(whole, count, turns.paused),
            "wholeCpuMs": turns.spent.per_object(count, archiver=whole.cpu),
            "wholeOfBarePatch": round(
                count / (whole.report["seconds"] - turns.paused) / turns.floor.per_second, 2
            ),
            "again": figures(again, count),
            "againOfWhole": round(
                again.report["seconds"] / (whole.report["seconds"] - turns.paused), 3
            ),
            "notDue": figures(not_due, count),
            "unmarked": figures(unmarked, count),
            "unmarkedAgain": figures(unmarked_again, count),
            "requestsPerObject": round(sent / count, 3),
            "bytesPerObject": round(len(json.dumps(resources[0]))),
        }

    def large(self) -> float:
        """Peak memory, in MiB, of archiving objects that are near the largest that etcd takes."""
        namespace = "bench-large"
        self.cluster.seed(namespace, LARGE, context_bytes=LARGE_BYTES)
        whole = self._run(namespace, "archiver", "backfill")
        assert whole.report["counts"]["archived"] == LARGE, whole.report
        return round(whole.rss)

    def alone(self) -> dict[str, float]:
        """What does not depend on the number: the best of three."""
        empty = [self._run("default", "archiver", "run").cpu for _ in range(3)]
        words = [measure(["archiver", "--help"], {}).cpu for _ in range(3)]
        packages = [measure(["bench.packages"], {}).cpu for _ in range(3)]
        return {
            "emptyClusterCpuSeconds": round(min(empty), 3),
            "packagesCpuSeconds": round(min(packages), 3),
            "helpCpuSeconds": round(min(words), 3),
        }

    def _run(
        self,
        namespace: str,
        module: str,
        command: str,
        beside: Callable[[Running], None] = lambda _running: None,
        **more: str,
    ) -> Measured:
        url = self.urls[module != "archiver"]
        given = {"KUBECONFIG": str(self.cluster.account), "ARCHIVER_DATABASE_URL": url}
        return measure([module, command, "-n", namespace, "-o", "json"], given | more, beside)

    def _once_begun(self, turns: Turns) -> Callable[[Running], None]:
        """From the run's first request on: while Python starts, its own clock does not go."""
        before = self.cluster.begun()

        def beside(running: Running) -> None:
            while self.cluster.begun() == before and not running.ends_within(_PAUSE):
                pass
            turns(running)

        return beside

    def _answered(self) -> Spent:
        return until_answered(self.processes, self.cluster.under_way)

    def _patch(self, requests: Path, connections: int, seconds: int) -> Patched:
        begun, began = self.cluster.begun(), Spent.so_far(self.processes)
        rate = patch_rate(
            self.cluster.control_plane.server,
            self.cluster.token,
            requests,
            connections=connections,
            seconds=seconds,
            cache=cache_root(os.environ),
        )
        ended = time.perf_counter()
        assert rate.failed == 0, rate
        drained = self._answered()
        took = rate.count / rate.per_second + max(0.0, drained.wall - ended)
        return Patched(self.cluster.begun() - begun, took, drained - began)


def figures(measured: Measured, count: int, paused: float = 0.0) -> dict[str, float]:
    """Per object. Rates by the run's own clock, which starts after Python has; all CPU counts.

    `paused` are the seconds in which it stood still.
    """
    return {
        "perSecond": round(count / (measured.report["seconds"] - paused)),
        "cpuMs": round(measured.cpu / count * 1e3, 3),
        "rssMiB": round(measured.rss),
    }


def bare_list(cluster: BenchCluster, namespace: str) -> float:
    """Seconds to list all of it by pages, reading the bytes and nothing else; best of three."""
    return min(_listed(cluster, namespace) for _ in range(3))


def _listed(cluster: BenchCluster, namespace: str) -> float:
    pool = urllib3.PoolManager(ca_certs=str(cluster.control_plane.ca_file))
    headers = {"Authorization": f"Bearer {cluster.token}"}
    started, token = time.perf_counter(), ""
    while True:
        fields = {"limit": str(PAGE)} | ({"continue": token} if token else {})
        url = cluster.control_plane.server + path_in(namespace)
        body = pool.request("GET", url, fields=fields, headers=headers).data
        # The token stands in the list's own metadata, behind its items.
        token = body[-4096:].rpartition(b'"continue":"')[2].partition(b'"')[0].decode()
        if not token:
            return time.perf_counter() - started


def say(line: str) -> None:
    """To whoever waits."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
