"""A dry run on the client's side reports what a run would do, and does none of it."""

import copy

import pytest

from archiver.ports import Batch, MarkOutcome, Quarantined
from archiver.pretend import PretendMarker, PretendStore
from tests.fakes.cluster import Calls, Object, ObservedStore, parsed
from tests.fakes.records import CLUSTER, record
from tests.fakes.world import World, counts, effects, is_marked, resource, say

BAD = Quarantined("item 1", "not-json", "no JSON object", b"]")


@pytest.fixture
def store() -> ObservedStore:
    return ObservedStore(Calls())


def batch(*bodies: str, quarantined: tuple[Quarantined, ...] = ()) -> Batch:
    return Batch("run", CLUSTER, [record(body=body) for body in bodies], quarantined)


def dry_run(world: World) -> tuple[dict[str, int], dict[str, int]]:
    report = world.run(PretendStore(world.store), PretendMarker())
    return counts(report), effects(report)


def snapshot(world: World) -> tuple[object, ...]:
    inner = world.store.inner
    held: dict[tuple[str, str], Object] = copy.deepcopy(world.cluster.objects)
    return held, world.store.digests(), inner.writes, dict(inner.quarantine)


def test_it_has_the_identity_of_the_real_store(store: ObservedStore) -> None:
    assert PretendStore(store).store_id == store.store_id


def test_what_was_written_seems_to_be_stored_and_is_not(store: ObservedStore) -> None:
    pretend = PretendStore(store)
    assert pretend.write(batch("first")).inserted == {record().key.uid: 0}
    assert pretend.newest(CLUSTER, [record().key]) == {record().key.uid: record().content_sha256}
    assert pretend.newest(CLUSTER, []) == {}
    assert store.inner.writes == 0


def test_what_the_store_holds_already_would_not_be_inserted(store: ObservedStore) -> None:
    store.write(batch("first"))
    assert PretendStore(store).write(batch("first")).inserted == {}


def test_it_holds_what_the_store_holds(store: ObservedStore) -> None:
    first = record()
    assert not PretendStore(store).holds(CLUSTER, first.key, first.content_sha256)
    store.write(batch("first"))
    assert PretendStore(store).holds(CLUSTER, first.key, first.content_sha256)


def test_what_the_store_holds_otherwise_would_be_a_later_revision(store: ObservedStore) -> None:
    store.write(batch("first"))
    written = PretendStore(store).write(batch("second"))
    assert all(revision > 0 for revision in written.inserted.values())
    assert len(written.inserted) == 1


def test_quarantined_bytes_are_counted_and_the_store_not_asked(store: ObservedStore) -> None:
    assert PretendStore(store).write(batch(quarantined=(BAD,))).quarantined == 1
    assert store.calls.total == 0


def test_only_the_last_batch_is_remembered(store: ObservedStore) -> None:
    pretend = PretendStore(store)
    pretend.write(batch("first"))
    pretend.write(batch())
    assert pretend.newest(CLUSTER, [record().key]) == {}


def test_every_mark_seems_to_succeed() -> None:
    world = World()
    held = parsed(world.add("due"))
    mark = record()  # any value: a marker that looks at nothing is what is meant
    assert PretendMarker().mark(held, mark).result() is MarkOutcome.MARKED  # type: ignore[arg-type]
    assert world.calls.total == 0


def test_dry_run_reports_what_the_run_then_does_and_changes_nothing() -> None:
    world = World()
    changed, forgotten = world.add("changed"), world.add("forgotten")
    world.run()
    world.cluster.edit(changed, say("a second thought"))
    world.store.forget(forgotten["metadata"]["uid"])
    world.add("new")
    world.add("early", hours_ago=1)
    world.cluster.put(resource("broken", born="2026-01-05T00:00:00Z"))
    before = snapshot(world)
    foretold = dry_run(world)
    assert snapshot(world) == before
    report = world.run()
    assert foretold == (counts(report), effects(report))


def test_dry_run_marks_nothing() -> None:
    world = World()
    due = world.add("due")
    assert dry_run(world) == ({"archived": 1}, {"inserted": 1, "marked": 1})
    assert not is_marked(world.held(due))
