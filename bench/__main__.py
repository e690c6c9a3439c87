"""`make bench`: the archiver against what the API server and PostgreSQL can do at all, in one run.

For each number of resources: the floor of bare LIST by pages, a run in which nothing is due, a run
without marks, the whole run in turns with bare concurrent PATCH of the same marks by wrk (the best
of several numbers of connections), a second run with nothing to do; once an empty cluster,
`--help`, objects of 1.4 MB, and the bytes that a run sends and receives.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.cluster import BenchCluster, bench_cluster
from bench.identity import renew_identity
from bench.results import machine, write_results
from bench.runs import Bench
from bench.telling import say
from tests.integration.conftest import prepare_template
from tests.postgres.binaries import find_installation
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer


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
                renew_identity(other.owner_url)
                names = (archive.name, other.name)
                urls = [postgres.url(name, "writer", "writer") for name in names]
                processes = cluster.processes() | {"postgresql": postgres.pid}
                bench = Bench(cluster, urls, options.connections, Path(folder), processes)
                rows.append(bench.one(count))
                say(json.dumps(rows[-1]))
                if not alone:
                    alone = bench.alone() | bench.on_the_wire(count)
                    alone["largeObjectsRssMiB"] = bench.large()
        document = {
            "machine": machine(),
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


if __name__ == "__main__":
    main()
