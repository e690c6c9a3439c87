"""One run divided among shards does what one run without them does."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.domain.report import Outcome
from archiver.domain.shard import Shard
from archiver.domain.tally import Tally
from archiver.pipeline import Stages, run
from archiver.ports import Unparsed
from archiver.sharding import ShardSource
from tests.fakes.world import World, counts, is_marked

NAMELESS = Unparsed("item 1 of page 1", "not-json", "no JSON object", b"]")
KNOWN = Unparsed("n/b", "bad-metadata", "not as meta/v1", b"{}", "uid-of-b")


def filled(objects: int, page_size: int = 3) -> World:
    world = World()
    world.cluster.page_size = page_size
    for n in range(objects):
        # Every third one is not due.
        world.add(f"rp-{n}", hours_ago=1 if n % 3 == 2 else 20)
    world.cluster.unparsed = [NAMELESS, KNOWN]
    return world


def run_shard(world: World, shard: Shard) -> tuple[Counter[Outcome], int]:
    """What it found, and how many it left to others."""
    source, tally = ShardSource(world.cluster, shard), Tally()
    stages = Stages(source, world.store, world.cluster)
    run(stages, world.terms(), tally, world.stop, limits=world.limits)
    assert tally.error is None
    return tally.outcomes, source.others


@settings(max_examples=25)
@given(st.integers(0, 12), st.integers(1, 6), st.integers(1, 5))
def test_all_shards_add_up_to_a_run_without(objects: int, count: int, page_size: int) -> None:
    undivided = filled(objects, page_size)
    expected = counts(undivided.run())
    world = filled(objects, page_size)
    total: Counter[str] = Counter()
    for index in range(count):
        outcomes, others = run_shard(world, Shard(index, count))
        assert outcomes.total() + others == sum(expected.values())
        total += Counter({str(outcome): n for outcome, n in outcomes.items()})
    assert total == expected
    marked = [name for name, held in world.cluster.objects.items() if is_marked(held)]
    assert marked == [n for n, held in undivided.cluster.objects.items() if is_marked(held)]
    assert [name for name, _ in world.calls.log].count("mark") == len(marked)


def test_another_number_of_shards_goes_on_where_the_first_stopped() -> None:
    world = filled(40)
    first = [run_shard(world, Shard(index, 4))[0][Outcome.ARCHIVED] for index in (0, 2)]
    assert 0 < sum(first) < 27
    rest = [run_shard(world, Shard(index, 3))[0] for index in range(3)]
    assert sum(outcomes[Outcome.ARCHIVED] for outcomes in rest) == 27 - sum(first)
    assert sum(outcomes[Outcome.ALREADY] for outcomes in rest) == sum(first)
    assert [name for name, _ in world.calls.log].count("mark") == 27


def test_an_object_without_a_readable_uid_is_quarantined_once() -> None:
    world = filled(0)
    found = [run_shard(world, Shard(index, 4))[0][Outcome.QUARANTINED] for index in range(4)]
    assert sum(found) == 2
    assert found[0] >= 1


def test_a_source_is_otherwise_the_same() -> None:
    world = filled(2)
    sharded = ShardSource(world.cluster, Shard(0, 2))
    whole = world.cluster
    assert (sharded.cluster_id, sharded.now, sharded.live) == (
        whole.cluster_id,
        whole.now,
        whole.live,
    )
    (page,) = whole.pages()
    (own,) = sharded.pages()
    raw = [*(o.raw for o in own.resources), *(o.raw for o in own.unparsed)]
    assert own.nbytes == sum(map(len, raw))
    assert sharded.read(page.resources[0]) == page.resources[0]
    assert sharded.surroundings(own) == whole.surroundings(own)
