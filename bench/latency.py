"""Four shards against one, with 20 ms more on the way to the API server: `python -m bench.latency`.

The same resources are archived again and again, each time into a database of its own (a mark of
another store counts for nothing), first with one mark under way per process, so that latency is
what it waits for, then with the default number, which one process is enough to fill two cores with.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.delay_proxy import DelayProxy, kubeconfig_through
from bench.identity import renew_identity
from bench.results import machine, write_part
from bench.telling import say
from tests import crds
from tests.controlplane import ControlPlane
from tests.e2e.deploy.installation import defined
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.objects import Collection
from tests.integration.conftest import prepare_template
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer


@dataclass(frozen=True, slots=True)
class Bench:
    """The servers of one benchmark."""

    kubeconfig: Path
    server: PostgresServer
    template: TemplateDatabase
    objects: int
    pids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds` from the first start to the last end; `inside` what the slowest report says;
    `largest` the most objects of a shard; `busy` the share of all cores that was in use, by
    whomever. CPU seconds: `own` of the archivers, `servers` of API server and etcd.
    """

    shards: int
    workers: int
    seconds: float
    inside: float
    largest: int
    busy: float
    own: float
    servers: float


def measure(bench: Bench, shards: int, workers: int) -> Measured:
    """A backfill of everything by so many processes at once."""
    with bench.template.clone() as database:
        renew_identity(database.owner_url)
        url = bench.server.url(database.name, "writer", "writer")
        busy, own, servers, started = _busy(), _children(), _of(bench.pids), time.monotonic()
        processes = [_start(bench, url, f"{n}/{shards}", workers) for n in range(shards)]
        outputs = [process.communicate()[0] for process in processes]
        seconds = time.monotonic() - started
        used = (_busy() - busy) / seconds / (os.cpu_count() or 1)
        own, servers = _children() - own, _of(bench.pids) - servers
    reports = [json.loads(output) for output in outputs]
    archived = [report["counts"]["archived"] for report in reports]
    assert [report["exitCode"] for report in reports] == [0] * shards, reports
    marked = sum(report["effects"]["marked"] for report in reports)
    assert sum(archived) == marked == bench.objects, reports
    inside = max(report["seconds"] for report in reports)
    return Measured(shards, workers, seconds, inside, max(archived), used, own, servers)


def _start(bench: Bench, url: str, shard: str, workers: int) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "archiver", "backfill", "-o", "json", "--shard", shard]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHIVER_", "PG"))}
    ours = {"KUBECONFIG": str(bench.kubeconfig), "ARCHIVER_DATABASE_URL": url}
    return subprocess.Popen(
        [*program, "--workers", str(workers)],
        env=kept | ours | {"ARCHIVER_LOG_LEVEL": "warning"},
        stdout=subprocess.PIPE,
        text=True,
    )


def _busy() -> float:
    """Seconds of CPU that all processes of this machine have used; 0 where nobody counts them."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _idle, _iowait, *rest = map(
        int, stat.read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + sum(rest[:2])) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _of(pids: Sequence[int]) -> float:
    """CPU seconds of these processes and of the servers that they started."""
    ticks = 0
    for pid in pids:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *children):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _figures(row: Measured, objects: int) -> dict[str, Any]:
    return {
        "shards": row.shards,
        "workers": row.workers,
        "perSecond": round(objects / row.seconds, 1),
        "perSecondInside": round(objects / row.inside, 1),
        "largestShard": row.largest,
        "ownCpuMs": round(1000 * row.own / objects, 2),
        "serversCpuMs": round(1000 * row.servers / objects, 2),
        "coresBusy": round(row.busy, 2),
    }


def main() -> None:
    """Measure, and write the section of bench/RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--latency", type=float, default=20, help="added round trip, in ms")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 16], help="marks at once")
    # Small ones by default: on two cores, 8 KB cost the API server so much CPU for each mark that
    # four shards wait for it instead of the line.
    parser.add_argument("--context-bytes", type=int, default=0, help="enrichment context of each")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    with servers(given) as (bench, version):
        pairs = [
            [_measured(bench, shards, workers) for shards in (1, given.shards)]
            for workers in given.workers
        ]
    document = {
        "machine": machine(),
        "kubernetes": version,
        "date": time.strftime("%Y-%m-%d"),
        "objects": given.objects,
        "contextBytes": given.context_bytes,
        "latencyMs": given.latency,
        "pairs": pairs,
    }
    write_part("shards", document, given.output)


def _measured(bench: Bench, shards: int, workers: int) -> dict[str, Any]:
    figures = _figures(measure(bench, shards, workers), bench.objects)
    say(json.dumps(figures))
    return figures


@contextmanager
def servers(given: argparse.Namespace) -> Iterator[tuple[Bench, str]]:
    """Distant ones, with all resources; and their release of Kubernetes."""
    with ExitStack() as stack:
        cluster = stack.enter_context(ControlPlane.start(controller_manager_flags=None))
        server = stack.enter_context(PostgresServer.start(parent=memory_folder()))
        template = TemplateDatabase.prepare(server, prepare_template)
        api = KubeApi(cluster.kubeconfig)
        stack.callback(api.close)
        stack.enter_context(defined(api, crds.load(crds.BY_SHAPE["A"])))
        say(f"{given.objects} resources: seeding")
        Collection(api, "default").create_all(
            range(given.objects), hours=1, context_bytes=given.context_bytes
        )
        url = urlsplit(cluster.server)
        proxy = DelayProxy(str(url.hostname), int(url.port or 443), given.latency / 1000)
        stack.callback(proxy.close)
        pids = [process.pid for process in (cluster.apiserver.process, cluster.etcd.process)]
        account = kubeconfig_through(proxy, cluster.kubeconfig)
        yield Bench(account, server, template, given.objects, pids), cluster.version


if __name__ == "__main__":
    main()
