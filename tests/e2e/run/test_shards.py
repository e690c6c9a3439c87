"""Several processes share one cluster: every object once, however many of them there are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.run.command import Archiver, Finished, finish, succeeded
from tests.e2e.run.objects import Collection, digest_in_mark, is_marked
from tests.e2e.run.rows import Rows

pytestmark = pytest.mark.same_on_all_releases("a hash of the uid divides the work")

MANY = 60


def at_once(archiver: Archiver, shards: list[str], *arguments: str) -> list[Finished]:
    """These shards of a backfill, all at the same time."""
    processes = [
        archiver.start("--shard", shard, *arguments, command="backfill") for shard in shards
    ]
    return [succeeded(finish(process)) for process in processes]


def total(finished: list[Finished], name: str) -> int:
    """One counter, over all of them."""
    return sum(done.counts(name)[0] for done in finished)


def patches_cost(collection: Collection) -> dict[str, str]:
    """uid → resourceVersion: it moves with every write, so a second mark would show."""
    return {uid: o["metadata"]["resourceVersion"] for uid, o in collection.all().items()}


def test_four_at_once_cover_every_object_once(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    processings.create_all(range(MANY), context_bytes=0)
    done = at_once(archiver, [f"{index}/4" for index in range(4)])
    assert [d.report["shard"] for d in done] == ["0/4", "1/4", "2/4", "3/4"]
    for one in done:
        assert one.counts("found") == one.counts("archived")
        assert one.counts("found")[0] + one.report["otherShards"] == MANY
        assert one.effects("inserted", "marked") == one.counts("archived", "archived")
        started, *_, finished = map(json.loads, one.err.splitlines())
        assert started["shard"] == finished["shard"] == one.report["shard"]
        assert finished["otherShards"] == one.report["otherShards"]
    assert total(done, "found") == MANY
    stored, marked = rows.newest(), processings.all()
    assert rows.revisions() == MANY
    assert {uid: row["digest"] for uid, row in stored.items()} == {
        uid: digest_in_mark(o) for uid, o in marked.items()
    }


def test_another_number_of_them_does_the_rest_and_nothing_twice(
    archiver: Archiver, processings: Collection, rows: Rows
) -> None:
    processings.create_all(range(MANY), context_bytes=0)
    some = total(at_once(archiver, ["1/4", "3/4"]), "archived")
    assert 0 < some < MANY
    assert rows.revisions() == some == sum(map(is_marked, processings.all().values()))
    before = patches_cost(processings)
    marked = {uid for uid, o in processings.all().items() if is_marked(o)}
    rest = at_once(archiver, ["0/3", "1/3", "2/3"])
    assert (total(rest, "archived"), total(rest, "already")) == (MANY - some, some)
    after = patches_cost(processings)
    assert {uid for uid in after if after[uid] == before[uid]} == marked
    assert rows.revisions() == len(rows.newest()) == MANY
    assert all(map(is_marked, processings.all().values()))


def test_a_pod_of_an_indexed_job_knows_its_shard(
    archiver: Archiver, processings: Collection
) -> None:
    processings.create_all(range(8), context_bytes=0)
    found = 0
    for index in range(2):
        environment = {"JOB_COMPLETION_INDEX": str(index), "ARCHIVER_SHARDS": "2"}
        done = succeeded(replace(archiver, environment=environment).run())
        assert done.report["shard"] == f"{index}/2"
        found += done.counts("found")[0]
    assert found == 8


@pytest.mark.parametrize("mode", ["client", "server"])
def test_a_dry_run_of_shards_adds_up_and_writes_nothing(
    archiver: Archiver, processings: Collection, rows: Rows, mode: str
) -> None:
    processings.create_all(range(8), context_bytes=0)
    before = processings.all()
    done = at_once(archiver, ["0/2", "1/2"], f"--dry-run={mode}")
    assert total(done, "archived") == 8
    shown: list[str] = [line["uid"] for one in done for line in one.report["objects"]]
    assert sorted(shown) == sorted(before)
    assert processings.all() == before
    assert rows.revisions() == 0


def test_a_dump_is_divided_in_the_same_way(
    archiver: Archiver, processings: Collection, rows: Rows, tmp_path: Path
) -> None:
    items: list[Any] = [*processings_created(processings, 8), {"kind": "RemediationProcessing"}]
    items[-1]["apiVersion"] = items[0]["apiVersion"]
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    arguments = ("--from", str(dump), "--cluster-id", str(uuid4()))
    codes, found, quarantined = [], 0, 0
    for shard in ("0/2", "1/2"):
        done = archiver.run(*arguments, "--shard", shard, command="backfill")
        codes.append(done.code)
        found += done.counts("found")[0]
        quarantined += done.counts("quarantined")[0]
    # What has no uid is the first one's problem, and nobody else's.
    assert (codes, found, quarantined) == ([1, 0], 9, 1)
    assert rows.revisions() == 8


def processings_created(processings: Collection, number: int) -> list[Any]:
    """As many of them, as the server has them."""
    processings.create_all(range(number), context_bytes=0)
    return list(processings.all().values())


@pytest.mark.parametrize("shard", ["4/4", "-1/3", "a/b", "0/0"])
@pytest.mark.parametrize("command", ["run", "backfill"])
def test_a_shard_that_does_not_exist_is_refused(
    archiver: Archiver, rows: Rows, command: str, shard: str
) -> None:
    done = archiver.run("--shard", shard, command=command)
    assert (done.code, done.out) == (78, "")
    assert f"{shard!r}: I/N is expected, with N from 1 to 1000 and I from 0 to N-1" in done.err
    assert rows.everything() == []
