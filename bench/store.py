"""The store stage against a bare COPY of the same rows, in one run: `python -m bench.store`.

Bare COPY: rows that were made before the clock starts, into the same table with all its indexes,
checks and generated columns, by one binary COPY per page and a COMMIT. The store stage: from what
`plan` decided to what is confirmed (the records are made by then), which is the look at the newest
revisions, rows, leaves, COPY, the batch manifest, COMMIT, and reading the digests back in a
statement of its own.

Both take turns, page by page, so that whatever else the machine does hits both. Best of several
rounds: noise only ever adds.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from archiver.db.copying import copy_rows
from archiver.db.deadline import A_MINUTE
from archiver.db.engine import connect
from archiver.db.rows import Envelope, row_of
from archiver.db.store import PostgresStore
from archiver.db.transaction import transaction
from archiver.domain.plan import Archive
from archiver.ports import Batch
from bench.records import CLUSTER, archives
from tests.integration.conftest import prepare_template
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer


def bare(engine: Engine, page: Sequence[Archive]) -> Callable[[], None]:
    """What is timed is the COPY and its COMMIT alone."""
    envelope = Envelope(uuid4(), UUID(CLUSTER), "run", datetime.now(UTC))
    rows = [row_of(archive.record, 0, envelope) for archive in page]

    def act() -> None:
        with transaction(engine, limit=A_MINUTE) as opened:
            copy_rows(opened.driver, rows)

    return act


def staged(store: PostgresStore, page: Sequence[Archive]) -> Callable[[], None]:
    """What `Storing` does with a page of objects that were never seen."""

    def act() -> None:
        store.write(Batch("run", CLUSTER, [archive.record for archive in page]))
        store.newest(CLUSTER, [archive.resource.key for archive in page])

    return act


def timed(act: Callable[[], None]) -> tuple[float, float]:
    """Seconds of wall time, and of this process's CPU."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    act()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(url: str, *, size: int, pages: int) -> dict[str, Any]:
    """Best figures of so many pages of this size in the database at `url`, which is empty."""
    engine = connect(url)
    store = PostgresStore(engine)
    work = list(archives(size * (pages + 1) * 2, salt="s"))
    left = [work[at : at + size] for at in range(0, len(work), size)]
    staged(store, left.pop())()  # makes the months, warms the caches
    staged(store, left.pop())()
    found: dict[str, list[tuple[float, float]]] = {"bare": [], "staged": [], "again": []}
    while left:
        first, second = left.pop(), left.pop()
        found["bare"].append(timed(bare(engine, first)))
        found["staged"].append(timed(staged(store, second)))
        found["again"].append(timed(staged(store, second)))
    engine.dispose()
    best = {name: min(wall for wall, _ in times) for name, times in found.items()}
    own = {name: min(cpu for _, cpu in times) for name, times in found.items()}
    return {
        "rows_per_second": {name: round(size / s) for name, s in best.items()},
        "own_cpu_ms_per_row": {name: round(s / size * 1e3, 3) for name, s in own.items()},
        "staged_of_bare": round(best["bare"] / best["staged"], 2),
        "again_of_staged": round(best["again"] / best["staged"], 3),
    }


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--page-size", type=int, nargs="*", default=[200, 500])
    options = parser.parse_args()
    with PostgresServer.start(parent=memory_folder()) as server:
        template = TemplateDatabase.prepare(server, prepare_template)
        for size in options.page_size:
            with template.clone() as database:
                found = compare(database.owner_url, size=size, pages=options.pages)
            print(json.dumps({"page_size": size} | found))


if __name__ == "__main__":
    main()
