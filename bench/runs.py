"""What `make bench` measures: floors, runs, and what is the same for any number of resources."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import urllib3

from bench.cluster import BenchCluster, marks_of, path_in
from bench.cpu import Spent, until_answered
from bench.delay_proxy import DelayProxy, kubeconfig_through
from bench.measured import Measured, Running, measure
from bench.population import terminal
from bench.turns import Patched, Turns
from bench.wrk import patch_rate
from tests.controlplane.cache import cache_root

PAGE = 200
# Objects a second: how long a run will take about, in which a number of turns has to fit.
EXPECTED_RATE = 110
_PAUSE = 0.05  # seconds
# Objects of this many bytes: 1.4 MB and a mark, of the 1.5 MiB that etcd takes.
LARGE, LARGE_BYTES = 100, 1_350_000


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share. `urls` are two databases, the second for runs without marks;
    `connections` those that wrk is tried with, one number after the other; `processes` the servers.
    """

    cluster: BenchCluster
    urls: list[str]
    connections: Sequence[int]
    folder: Path
    processes: Mapping[str, int]

    def one(self, count: int) -> dict[str, Any]:
        """Everything that is measured for one number of resources."""
        namespace, due = f"bench-{count}", terminal(count)
        self.cluster.seed(namespace, count)
        # Other objects for the floor: a mark that is there already would change what a run does.
        others = min(count, 1_000)
        floor = self.cluster.seed(f"{namespace}-floor", others, keep=others)
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
            listed=partial(self._are_stored, due),
            connections=self.connections,
        )
        turns.before()
        counted, of_floors = self.cluster.requests(), turns.marks
        whole = self._run(namespace, "archiver", "backfill", beside=self._once_begun(turns))
        sent = self.cluster.requests() - counted - (turns.marks - of_floors)
        again = self._run(namespace, "archiver", "backfill")
        for measured, name, number in (
            (whole, "archived", due), (again, "already", due), (not_due, "notDue", count)
        ):  # fmt: skip
            assert measured.report["counts"][name] == number, measured.report
        return {
            "count": count,
            "archived": due,
            "bareListPerSecond": round(count / listed),
            "barePatchPerSecond": round(turns.floor.per_second),
            "barePatchCpuMs": turns.floor.spent.per_object(turns.floor.count),
            "barePatchTurns": {c: round(f.per_second, 1) for c, f in turns.floors.items()},
            "whole": figures(whole, due, turns.paused),
            "wholeCpuMs": turns.spent.per_object(due, archiver=whole.cpu),
            "wholeOfBarePatch": round(
                due / (whole.report["seconds"] - turns.paused) / turns.floor.per_second, 2
            ),
            "again": figures(again, due),
            "againOfWhole": round(
                again.report["seconds"] / (whole.report["seconds"] - turns.paused), 3
            ),
            "notDue": figures(not_due, count),
            "unmarked": figures(unmarked, due),
            "unmarkedAgain": figures(unmarked_again, due),
            "requestsPerObject": round(sent / due, 3),
        }

    def on_the_wire(self, count: int) -> dict[str, float]:
        """Bytes of each archived object on the way to and from the API server, TLS included.

        Of a run that finds the rows of the one without marks, and marks what they belong to.
        """
        url = urlsplit(self.cluster.control_plane.server)
        proxy = DelayProxy(str(url.hostname), int(url.port or 443), round_trip=0)
        try:
            account = kubeconfig_through(proxy, self.cluster.account)
            given = {"KUBECONFIG": str(account), "ARCHIVER_DATABASE_URL": self.urls[1]}
            run = measure(["archiver", "backfill", "-n", f"bench-{count}", "-o", "json"], given)
        finally:
            proxy.close()
        marked = run.report["effects"]["marked"]
        assert marked == terminal(count), run.report
        return {
            "bytesSentPerObject": round(proxy.sent / marked),
            "bytesReceivedPerObject": round(proxy.received / marked),
        }

    def large(self) -> float:
        """Peak memory, in MiB, of archiving objects that are near the largest that etcd takes."""
        namespace = "bench-large"
        self.cluster.seed(namespace, LARGE, context_bytes=LARGE_BYTES, even=True)
        whole = self._run(namespace, "archiver", "backfill")
        assert whole.report["counts"]["archived"] == terminal(LARGE), whole.report
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

    def _are_stored(self, count: int) -> bool:
        with psycopg.connect(self.urls[0]) as connection:
            found = connection.execute("SELECT count(*) FROM archive.revision").fetchone()
        return found is not None and found[0] >= count

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
