"""A second look at rows: what is asked, and what is not."""

import pytest

from archiver.domain.plan import Archive, plan
from archiver.domain.tally import Tally
from archiver.errors import Unavailable
from archiver.pending import Stored, Waiting
from archiver.read_back import ReadBack
from tests.fakes.cluster import parsed
from tests.fakes.world import World, resource

AWAY = Unavailable("the database is starting up")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def waiting(world: World) -> Waiting:
    """Two objects that wait, and have no row."""
    archives = [plan(parsed(resource(name)), world.terms()) for name in ("one", "two")]
    return Stored(confirmed=[one for one in archives if isinstance(one, Archive)]).waiting()


def test_of_nothing_nothing_is_asked(world: World) -> None:
    """It would wait for a database that nobody needs."""
    tally = Tally()
    nothing = Waiting(revised={"x"})
    assert ReadBack(world.cluster, world.store, tally).again(nothing) is nothing
    assert world.calls.total == 0


def test_store_that_failed_elsewhere_is_not_asked(world: World, waiting: Waiting) -> None:
    tally = Tally()
    read_back = ReadBack(world.cluster, world.store, tally)
    read_back.doubt(AWAY)
    assert read_back.again(waiting).confirmed == []
    assert (tally.outcomes.total(), tally.error) == (2, AWAY)
    assert world.calls.total == 0


def test_missing_rows_are_counted_and_one_is_named(world: World, waiting: Waiting) -> None:
    tally = Tally()
    read_back = ReadBack(world.cluster, world.store, tally)
    assert read_back.again(waiting) == Waiting()
    assert "2 are there no more" in str(tally.error)
    assert str(waiting.confirmed[0]) in str(tally.error)
    asked = world.calls.total
    read_back.again(waiting)
    assert world.calls.total == asked
