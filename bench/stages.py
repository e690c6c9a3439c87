"""The archiver's own CPU per object, by stage, with no API server: `python -m bench.stages`.

Microseconds of this process's CPU per object, all its threads together; best of several rounds,
because noise only ever adds. Objects are as the API server lists them, managedFields included. What
is left alone or archived already goes through all that a page goes through behind its list: parse,
plan, the look into the archive, the tally, and the log where it has a line for it. `store` are the
figures of `bench.store` for pages of the same size.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from archiver import log
from archiver.backlog import Backlog
from archiver.cli.observing import observer
from archiver.db.engine import connect
from archiver.db.leaf import leaf
from archiver.db.rows import Envelope, row_of
from archiver.db.store import PostgresStore
from archiver.domain.completion import completion_of
from archiver.domain.conversion import convert
from archiver.domain.custom_resource import CustomResource, parse
from archiver.domain.evidence import evidence
from archiver.domain.mark import merge_patch
from archiver.domain.plan import Archive, Terms, plan
from archiver.domain.policy import HOUR, Policy
from archiver.domain.report import Outcome
from archiver.domain.tally import Tally
from archiver.pending import Stored
from archiver.ports import Batch
from archiver.storing import Storing
from bench.records import CLUSTER, as_listed, listed, terms
from bench.results import machine, write_part
from bench.store import compare
from tests.fakes.cluster import Calls, MemoryCluster
from tests.integration.conftest import prepare_template
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

_NEVER_DUE = Policy(retention=9_000 * HOUR)


def parsed(raws: Sequence[bytes]) -> list[CustomResource]:
    """As the list's reader does."""
    return [parse(raw, position="") for raw in raws]


def decided(raws: Sequence[bytes], at: Terms) -> list[Archive]:
    """Those that are due, which all of them are."""
    found = [plan(resource, at) for resource in parsed(raws)]
    archives = [decision for decision in found if isinstance(decision, Archive)]
    assert len(archives) == len(raws)
    return archives


def marked(archive: Archive) -> bytes:
    """The bytes of the object with its mark."""
    whole = json.loads(archive.resource.raw)
    patch = merge_patch(archive.resource.metadata, archive.mark)["metadata"]
    for key in ("labels", "annotations"):
        whole["metadata"][key] = whole["metadata"].get(key, {}) | patch[key]
    return as_listed(whole)


def pure(raws: Sequence[bytes], at: Terms) -> dict[str, Callable[[], object]]:
    """What needs no database, each stage alone."""
    resources, archives = parsed(raws), decided(raws, at)
    done = parsed([marked(archive) for archive in archives])
    late = Terms(_NEVER_DUE, at.now, at.run_id, at.store_id)
    envelope = Envelope(uuid4(), UUID(CLUSTER), at.run_id, datetime.now(UTC))
    records = [archive.record for archive in archives]
    read = [(resource, evidence(resource), completion_of(resource)) for resource in resources]
    rows = [row_of(record, 0, envelope) for record in records]
    tally = observed()
    return {
        "parse": lambda: parsed(raws),
        "planNotDue": lambda: [plan(resource, late) for resource in resources],
        "planAlready": lambda: [plan(resource, at) for resource in done],
        "planDue": lambda: [plan(resource, at) for resource in resources],
        "evidence": lambda: [evidence(resource) for resource in resources],
        "convert": lambda: [convert(*one) for one in read],
        "row": lambda: [row_of(record, 0, envelope) for record in records],
        "leaf": lambda: [leaf(row.values, row.digest) for row in rows],
        "waits": lambda: wait_for_mark(archives),
        "logged": lambda: settle(archives, tally),
    }


def behind_the_list(
    store: PostgresStore, raws: Sequence[bytes], at: Terms
) -> dict[str, Callable[[], object]]:
    """All that a page goes through behind its list: left alone, archived already, archived now."""
    archives = decided(raws, at)
    done = [marked(archive) for archive in archives]
    late = Terms(_NEVER_DUE, at.now, at.run_id, at.store_id)
    source = MemoryCluster(Calls(), at.now, cluster_id=CLUSTER)

    def page(bodies: Sequence[bytes], under: Terms) -> None:
        storing = Storing(source, store, under, observed())
        storing.store([plan(resource, under) for resource in parsed(bodies)])

    store.write(Batch("run", CLUSTER, [archive.record for archive in archives]))
    return {
        "notDue": lambda: page(raws, late),
        "already": lambda: page(done, at),
        "confirm": lambda: store.newest(CLUSTER, [one.resource.key for one in archives]),
    }


def archiving(store: PostgresStore, pages: Sequence[Sequence[bytes]], at: Terms) -> list[float]:
    """Seconds of CPU of each page of never-seen objects, from their bytes to confirmed rows."""
    source = MemoryCluster(Calls(), at.now, cluster_id=CLUSTER)

    def page(bodies: Sequence[bytes]) -> None:
        tally = observed()
        stored = Storing(source, store, at, tally).store(
            [plan(resource, at) for resource in parsed(bodies)]
        )
        assert len(stored.confirmed) == len(bodies)
        settle(stored.confirmed, tally)

    return [cpu(partial(page, raws)) for raws in pages]


def observed() -> Tally:
    """With the log of a run, which is written to nowhere."""
    return Tally(observe=observer(lambda _settled: None, "run", "none"))


def wait_for_mark(archives: Sequence[Archive]) -> None:
    """Packed and unpacked."""
    backlog = Backlog(1)
    backlog.add(Stored(confirmed=list(archives)).waiting(), 0)
    backlog.take()


def settle(archives: Sequence[Archive], tally: Tally) -> None:
    """As a run does once each is marked."""
    for archive in archives:
        tally.settle(archive.resource, Outcome.ARCHIVED, "")


def cpu(act: Callable[[], object]) -> float:
    """Seconds of this process's CPU."""
    before = time.process_time()
    act()
    return time.process_time() - before


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description=__doc__)
    parser.add_argument("--page-size", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    log.configure("info", "json", stream=Path(os.devnull).open("w"))  # noqa: SIM115 - to the end
    size, rounds = options.page_size, options.rounds
    at = terms()
    raws = list(listed(size, salt="stages"))
    with PostgresServer.start(parent=memory_folder()) as server:
        template = TemplateDatabase.prepare(server, prepare_template)
        with template.clone() as database:
            store = PostgresStore(connect(database.owner_url, application_name="bench"))
            at = Terms(at.policy, at.now, at.run_id, store.store_id)
            acts = pure(raws, at) | behind_the_list(store, raws, at)
            # Taking turns: whatever else the machine does hits all of them.
            spent = [{name: cpu(act) for name, act in acts.items()} for _ in range(rounds)]
            best = {name: min(one[name] for one in spent) for name in acts}
            fresh = list(listed(size * rounds, salt="fresh"))
            pages = [fresh[at : at + size] for at in range(0, len(fresh), size)]
            best["archived"] = min(archiving(store, pages, at))
        with template.clone() as database:
            store_stage = compare(database.owner_url, size=size, pages=rounds)
    document = {
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
        "rounds": rounds,
        "pageSize": size,
        "bytesPerObject": round(sum(map(len, raws)) / size),
        "cpuMicroseconds": {name: round(s / size * 1e6, 1) for name, s in best.items()},
        "store": store_stage,
    }
    print(json.dumps(document))
    write_part("stages", document, options.output)


if __name__ == "__main__":
    main()
