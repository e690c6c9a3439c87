"""What one live resource costs a cluster: `python -m bench.sizes`. The constants of docs/scale.md.

Bytes in etcd (before and after its mark), resident memory of the API server, which holds every
resource of a served definition in its watch cache, and the time of a list by pages.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from tests import crds
from tests.controlplane import ControlPlane
from tests.e2e.deploy.installation import defined
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.objects import Collection
from tests.integration.conftest import prepare_template
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

_ON_DISK: LiteralString = """
    SELECT count(*) AS rows,
        (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
         WHERE inhparent = 'archive.revision'::regclass) AS bytes,
        (SELECT sum(pg_indexes_size(inhrelid)) FROM pg_inherits
         WHERE inhparent = 'archive.revision'::regclass) AS of_indexes
    FROM archive.revision
"""
_IN_USE = re.compile(r"^etcd_mvcc_db_total_size_in_use_in_bytes ([0-9.e+]+)$", re.MULTILINE)


def etcd_bytes(cluster: ControlPlane) -> float:
    """Bytes of the database that hold something, history included."""
    with urllib.request.urlopen(f"{cluster.etcd_endpoint}/metrics") as answer:  # noqa: S310 - ours
        found = _IN_USE.search(answer.read().decode())
    assert found
    return float(found[1])


def resident(pid: int) -> int:
    """Bytes of memory of a process; its own, if the server is a child of its starter."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in (pid, *children)]
    return max(pages) * os.sysconf("SC_PAGE_SIZE")


def list_all(api: KubeApi, path: str, limit: int) -> tuple[float, int]:
    """Seconds and objects of a list by pages, decoding of JSON included."""
    started, seen, token = time.monotonic(), 0, ""
    while True:
        query = {"limit": str(limit)} | ({"continue": token} if token else {})
        body = api.send("GET", path, query=query).body
        seen += len(body["items"])
        if not (token := body["metadata"].get("continue", "")):
            return time.monotonic() - started, seen


@dataclass(frozen=True, slots=True)
class Growth:
    """What a number of resources adds to a control plane that had none of them."""

    cluster: ControlPlane
    objects: int
    etcd: float
    memory: int

    @classmethod
    def from_here(cls, cluster: ControlPlane, objects: int) -> "Growth":
        """Measure before there are any."""
        return cls(cluster, objects, etcd_bytes(cluster), resident(cluster.apiserver.process.pid))

    def print_etcd(self, when: str) -> None:
        """Bytes of etcd, by now."""
        print(
            f"etcd, {when}: {(etcd_bytes(self.cluster) - self.etcd) / self.objects:.0f} bytes each"
        )

    def print_after_compaction(self, when: str) -> None:
        """Bytes without history, and of memory."""
        self.cluster.compact_etcd()
        time.sleep(2)
        self.print_etcd(when)
        grown = resident(self.cluster.apiserver.process.pid) - self.memory
        print(f"API server: {grown / self.objects:.0f} bytes resident each")


def seed(api: KubeApi, objects: int) -> Collection:
    """Create them, and say how large one is."""
    processings = Collection(api, "default")
    processings.create_all(range(objects), hours=1)
    one = next(iter(api.send("GET", processings.path, query={"limit": "1"}).body["items"]))
    print(f"{len(json.dumps(one, separators=(',', ':')))} bytes of JSON each")
    return processings


def archive(kubeconfig: Path, database_url: str) -> None:
    """One backfill."""
    environment = {"KUBECONFIG": str(kubeconfig), "ARCHIVER_DATABASE_URL": database_url}
    subprocess.run(
        [sys.executable, "-m", "archiver", "backfill", "-o", "json"],
        env=os.environ | environment | {"ARCHIVER_LOG_LEVEL": "warning"},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def print_rows(url: str) -> None:
    """Bytes of PostgreSQL."""
    with psycopg.connect(url) as connection:
        rows, size, indexes = connection.execute(_ON_DISK).fetchone() or (1, 0, 0)
    print(f"PostgreSQL: {size / rows:.0f} bytes each, {indexes / rows:.0f} of them indexes")


def main() -> None:
    """Start the servers, seed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=5000)
    objects = parser.parse_args().objects
    with ExitStack() as stack:
        cluster = stack.enter_context(ControlPlane.start(controller_manager_flags=None))
        server = stack.enter_context(PostgresServer.start(parent=memory_folder()))
        template = TemplateDatabase.prepare(server, prepare_template)
        database = stack.enter_context(template.clone())
        api = KubeApi(cluster.kubeconfig)
        stack.callback(api.close)
        stack.enter_context(defined(api, crds.load(crds.BY_SHAPE["A"])))
        growth = Growth.from_here(cluster, objects)
        print(f"Kubernetes {cluster.version}, {os.cpu_count()} cores, {objects} resources")
        processings = seed(api, objects)
        growth.print_etcd("history included")
        growth.print_after_compaction("compacted")
        seconds, seen = list_all(api, processings.path, 500)
        print(f"list by 500: {seen / seconds:.0f}/s, decoded by this script")
        archive(cluster.kubeconfig, server.url(database.name, "writer", "writer"))
        growth.print_etcd("just marked")
        growth.print_after_compaction("marked and compacted")
        print_rows(database.owner_url)
        print(f"API server, empty: {growth.memory >> 20} MiB")


if __name__ == "__main__":
    main()
