"""Marks that follow what is stored: how far behind they may be, and what is looked at again."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from archiver import marking
from archiver.domain.metadata import Key, PartialObject
from archiver.errors import Integrity, Unavailable
from archiver.limits import Limits
from tests.fakes.cluster import Object
from tests.fakes.world import World, counts, effects, is_marked, say

PAGE = 2


@pytest.fixture
def world() -> World:
    world = World()
    world.cluster.page_size = PAGE
    return world


@pytest.fixture
def doubtful(world: World) -> World:
    """Rows are read back again before each mark."""
    world.limits = replace(world.limits, believed=0)
    return world


@pytest.fixture
def two_pages_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "_MARKS_AT_ONCE", PAGE)


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What hangs waits for this event, which is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith(("mark", "list")):
            thread.join(10)


def uid(manifest: Object) -> str:
    found: str = manifest["metadata"]["uid"]
    return found


def add(world: World, count: int) -> list[Object]:
    return [world.add(f"due-{n}") for n in range(count)]


def called(world: World, name: str) -> int:
    return sum(one == name for one, _ in world.calls.log)


def release_when(world: World, held: threading.Event, objects: int) -> list[int]:
    """Hold every mark until so many objects are stored. What was stored by the first mark's end."""
    stored: list[int] = []

    def hang(_read: PartialObject) -> None:
        held.wait(10)
        stored.append(called(world, "write"))

    def count(_batch: object) -> None:
        if called(world, "write") >= objects:
            held.set()

    world.cluster.before_mark = hang
    world.store.after_write = count
    return stored


def test_all_is_stored_before_the_first_mark_has_ended(world: World, held: threading.Event) -> None:
    due = add(world, 9 * PAGE)
    stored = release_when(world, held, len(due))
    report = world.run()
    assert counts(report) == {"archived": len(due)}
    assert stored[0] == len(due)
    assert all(is_marked(world.held(one)) for one in due)


@pytest.mark.usefixtures("two_pages_at_once")
def test_no_more_is_stored_than_may_wait(world: World) -> None:
    """Memory is bounded at any size: then the list waits for the marks."""
    world.limits = replace(world.limits, ahead=1)
    due = add(world, 9 * PAGE)
    most_behind = 0

    def mark(_read: PartialObject) -> None:
        nonlocal most_behind
        most_behind = max(most_behind, called(world, "write") - world.cluster.patches)

    world.cluster.before_mark = mark
    report = world.run()
    assert counts(report) == {"archived": len(due)}
    # Two pages are being marked, one waits, and one was being stored.
    assert most_behind <= 4 * PAGE


def test_order_of_the_pages_is_that_of_their_marks(world: World) -> None:
    world.cluster.marks_at_once = 1
    due = add(world, 9 * PAGE)
    order: list[str] = []
    world.cluster.before_mark = lambda read: order.append(read.key.uid)
    world.run()
    assert order == [uid(one) for one in due]


def test_marks_go_on_while_the_list_is_slow(world: World, held: threading.Event) -> None:
    due = add(world, 3 * PAGE)

    def wait_for_marks(page: int) -> None:
        if page == 3:
            assert held.wait(10)

    def release(_read: PartialObject) -> None:
        if world.cluster.patches == 2 * PAGE - 1:
            held.set()

    world.cluster.before_page = wait_for_marks
    world.cluster.before_mark = release
    assert counts(world.run()) == {"archived": len(due)}


def test_row_that_is_believed_is_not_read_back_again(world: World) -> None:
    add(world, 3 * PAGE)
    world.run()
    assert called(world, "newest") == 3 * PAGE


def test_row_is_read_back_again_before_a_mark_that_comes_late(doubtful: World) -> None:
    due = add(doubtful, 3 * PAGE)
    report = doubtful.run()
    assert counts(report) == {"archived": len(due)}
    assert called(doubtful, "newest") == 2 * len(due)


@pytest.mark.usefixtures("two_pages_at_once")
def test_row_that_was_lost_since_is_an_integrity_failure_and_nothing_more_is_marked(
    doubtful: World, held: threading.Event
) -> None:
    """A failover to a standby that lacks what was confirmed."""
    doubtful.cluster.marks_at_once = 1
    due = add(doubtful, 5 * PAGE)
    release_when(doubtful, held, len(due))

    def fail_over(_read: PartialObject) -> None:
        held.wait(10)
        if uid(due[-1]) in doubtful.store.digests():
            doubtful.store.forget(uid(due[-1]))

    doubtful.cluster.before_mark = fail_over
    report = doubtful.run()
    assert isinstance(report.error, Integrity)
    assert report.exit_code == 65
    assert "failover" in str(report.error)
    assert "due-9" in str(report.error)
    # Those of the last page are not marked, nor those of the one before that were not sent yet.
    assert not is_marked(doubtful.held(due[-1]))
    assert not is_marked(doubtful.held(due[-2]))
    assert counts(report)["deferred"] >= PAGE
    doubtful.cluster.before_mark = lambda _read: None
    assert doubtful.run().exit_code == 0
    assert all(is_marked(doubtful.held(one)) for one in due)
    assert set(doubtful.store.digests()) == {uid(one) for one in due}


def test_state_that_another_run_has_stored_since_is_read_again(doubtful: World) -> None:
    (due,) = add(doubtful, 1)
    newest = doubtful.store.newest
    looks: list[object] = []

    def overtaken(cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        looks.append(keys)
        if len(looks) == 2:
            doubtful.cluster.edit(due, say("a later word"))
            another = World()
            another.cluster.objects = doubtful.cluster.objects
            another.cluster.version = doubtful.cluster.version
            another.store.inner = replace(doubtful.store.inner)
            assert counts(another.run()) == {"archived": 1}
        return newest(cluster_id, keys)

    doubtful.store.newest = overtaken  # type: ignore[method-assign]
    report = doubtful.run()
    assert (counts(report), report.exit_code) == ({"archived": 1}, 0)
    assert effects(report) == {"inserted": 1, "reRead": 1}
    assert is_marked(doubtful.held(due))
    assert len(doubtful.store.digests()[uid(due)]) == 2


@pytest.mark.usefixtures("two_pages_at_once")
def test_database_that_is_away_is_asked_once_and_all_that_waits_is_deferred(
    doubtful: World, held: threading.Event
) -> None:
    due = add(doubtful, 9 * PAGE)
    release_when(doubtful, held, len(due))
    # Each page once, and the first two once more; the next one is the third page's turn.
    doubtful.calls.faults["newest", 9 + 2 + 1] = Unavailable("the database is starting up")
    report = doubtful.run()
    assert report.exit_code == 75
    assert "starting up" in str(report.error)
    assert counts(report) == {"archived": 2 * PAGE, "deferred": 7 * PAGE}
    assert [is_marked(doubtful.held(one)) for one in due] == [n < 2 * PAGE for n in range(9 * PAGE)]
    assert called(doubtful, "newest") == (9 + 2) * PAGE


def test_no_time_left_begins_no_further_marks(world: World, held: threading.Event) -> None:
    world.cluster.marks_at_once = 1
    due = add(world, 9 * PAGE)

    def run_out(_batch: object) -> None:
        if called(world, "write") == len(due):
            world.stop.over = True

    def dawdle(_read: PartialObject) -> None:
        held.wait(0.2)

    world.cluster.before_mark = dawdle
    world.store.after_write = run_out
    report = world.run()
    assert report.exit_code == 75
    assert counts(report)["deferred"] >= len(due) - 1
    assert world.cluster.patches <= 1


def test_limits_are_what_the_documents_say() -> None:
    assert Limits() == Limits(tries=5, backoff=0.1, believed=10, ahead=8 << 20, glance=0.25)
