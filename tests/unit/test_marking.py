"""Marks that follow what is stored: how far behind they may be, and what is looked at again."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

import pytest

from archiver import marking
from archiver.domain.mark import Mark
from archiver.domain.metadata import Key, PartialObject
from archiver.errors import Integrity, Unavailable
from archiver.limits import Limits
from archiver.marking import Marking
from archiver.ports import Batch, MarkOutcome, Written
from tests.fakes.cluster import Object
from tests.fakes.hanging import hanging
from tests.fakes.world import World, called, counts, effects, is_marked, marks, say, uid

__all__ = ["hanging"]

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


def add(world: World, count: int) -> list[Object]:
    return [world.add(f"due-{n}") for n in range(count)]


def release_when(world: World, hanging: threading.Event, objects: int) -> list[int]:
    """Hold every mark until so many objects are stored. What was stored by the first mark's end."""
    stored: list[int] = []

    def hang(_read: PartialObject) -> None:
        hanging.wait(10)
        stored.append(called(world, "write"))

    def count(_batch: object) -> None:
        if called(world, "write") >= objects:
            hanging.set()

    world.cluster.before_mark = hang
    world.store.after_write = count
    return stored


def test_all_is_stored_before_the_first_mark_has_ended(
    world: World, hanging: threading.Event
) -> None:
    due = add(world, 9 * PAGE)
    stored = release_when(world, hanging, len(due))
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


@pytest.mark.usefixtures("two_pages_at_once")
def test_marks_go_on_while_the_list_is_slow(
    world: World, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the page that was not handed over yet, too."""
    world.cluster.marks_at_once = 1
    due = add(world, 4 * PAGE)
    all_else_is_done = threading.Event()

    def list_slowly(page: int) -> None:
        if page == 4:
            assert all_else_is_done.wait(10)

    def mark(read: PartialObject) -> None:
        hanging.wait(10)
        if read.key.uid == uid(due[3 * PAGE - 1]):
            all_else_is_done.set()

    def advance(marking: Marking) -> None:
        real_advance(marking)
        if called(world, "write") == 3 * PAGE:
            hanging.set()

    real_advance = Marking.advance
    monkeypatch.setattr(Marking, "advance", advance)
    world.cluster.before_page = list_slowly
    world.cluster.before_mark = mark
    assert counts(world.run()) == {"archived": len(due)}


@pytest.mark.usefixtures("two_pages_at_once")
def test_what_an_outdated_list_gave_is_read_and_stored_before_any_mark_has_ended(
    world: World, hanging: threading.Event
) -> None:
    """The archive has no row of its last state, so that it does not wait for marks."""
    due = add(world, 4 * PAGE)
    world.run()
    for one in due:
        world.cluster.edit(one, say("a later word"))
    stale = world.held(due[2 * PAGE])
    stale["metadata"]["resourceVersion"] = "1"
    reread: set[str] = set()

    def hang(_read: PartialObject) -> None:
        assert hanging.wait(10)

    def release(batch: Batch) -> None:
        reread.update(batch.reread)
        if reread and batch.records[-1].key.uid == uid(due[-1]):
            hanging.set()

    world.cluster.before_mark = hang
    world.store.after_write = release
    report = world.run()
    assert (counts(report), effects(report)["reRead"]) == ({"archived": len(due)}, 1)
    assert len(world.store.digests()[uid(stale)]) == 2
    assert is_marked(world.held(stale))


@pytest.mark.usefixtures("two_pages_at_once")
def test_what_an_outdated_list_gave_is_deferred_where_the_run_has_failed(world: World) -> None:
    due = add(world, 4 * PAGE)
    world.run()
    for one in due:
        world.cluster.edit(one, say("a later word"))
    world.held(due[-1])["metadata"]["resourceVersion"] = "1"
    world.calls.faults["read", 1] = Unavailable("connection refused")
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 4 * PAGE - 1, "deferred": 1}, 75)


def test_row_that_is_believed_is_not_read_back_again(world: World) -> None:
    add(world, 3 * PAGE)
    world.run()
    assert called(world, "newest") == 3 * PAGE


def test_row_is_read_back_again_before_a_mark_that_comes_late(doubtful: World) -> None:
    due = add(doubtful, 3 * PAGE)
    report = doubtful.run()
    assert counts(report) == {"archived": len(due)}
    assert called(doubtful, "newest") == 2 * len(due)


def fail_over(world: World, due: list[Object], lost: Object, hanging: threading.Event) -> None:
    """Once all are stored, to a standby that lacks the last row of one. Until then no mark ends."""
    key = ("cluster", uid(lost))
    earlier = list(world.store.inner.revisions.get(key, []))

    def after(batch: Batch) -> None:
        if batch.records[-1].key.uid == uid(due[-1]):
            world.store.inner.revisions[key] = earlier
            hanging.set()

    def hang(_read: PartialObject) -> None:
        hanging.wait(10)

    world.store.after_write = after
    world.cluster.before_mark = hang


@pytest.mark.usefixtures("two_pages_at_once")
@pytest.mark.parametrize("was_there_before", [False, True])
def test_row_that_was_lost_since_is_an_integrity_failure(
    doubtful: World, hanging: threading.Event, *, was_there_before: bool
) -> None:
    due = add(doubtful, 5 * PAGE)
    if was_there_before:
        doubtful.run()
        for one in due:
            doubtful.cluster.edit(one, say("the last word"))
    lost = due[3 * PAGE]
    fail_over(doubtful, due, lost, hanging)
    report = doubtful.run()
    assert isinstance(report.error, Integrity)
    assert report.exit_code == 65
    assert "failover" in str(report.error)
    assert str(lost["metadata"]["name"]) in str(report.error)
    # Neither its own page nor the one behind it.
    assert counts(report)["deferred"] >= 2 * PAGE
    first_word = doubtful.store.digests()[uid(lost)][0] if was_there_before else None
    assert marks(doubtful.held(lost))["digest"] == first_word
    doubtful.store.after_write = lambda _batch: None
    assert doubtful.run().exit_code == 0
    digests = doubtful.store.digests()
    assert [marks(doubtful.held(one))["digest"] for one in due] == [
        digests[uid(one)][-1] for one in due
    ]


@pytest.mark.usefixtures("two_pages_at_once")
def test_marks_that_are_not_sent_yet_are_called_back_where_a_row_was_lost(
    doubtful: World, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful.cluster.marks_at_once = 1
    due = add(doubtful, 5 * PAGE)
    fail_over(doubtful, due, due[3 * PAGE], hanging)
    third_page_begun, called_back = threading.Event(), threading.Event()
    sent: list[str] = []

    def hang(read: PartialObject) -> None:
        hanging.wait(10)
        sent.append(read.key.uid)
        if len(sent) == 2 * PAGE + 1:
            third_page_begun.set()
            called_back.wait(10)

    def newest(cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        if hanging.is_set() and uid(due[3 * PAGE]) in {key.uid for key in keys}:
            third_page_begun.wait(10)
        return real_newest(cluster_id, keys)

    def call_back(marking: Marking) -> None:
        real_call_back(marking)
        called_back.set()

    real_newest = doubtful.store.newest
    real_call_back = Marking._call_back
    monkeypatch.setattr(doubtful.store, "newest", newest)
    monkeypatch.setattr(Marking, "_call_back", call_back)
    doubtful.cluster.before_mark = hang
    report = doubtful.run()
    # Of the page before the lost row one mark was under way, and the other was not sent yet.
    assert sent == [uid(one) for one in due[: 2 * PAGE + 1]]
    assert counts(report) == {"archived": 2 * PAGE + 1, "deferred": 3 * PAGE - 1}
    assert report.exit_code == 65


def test_state_that_another_run_has_stored_since_is_read_again(
    doubtful: World, monkeypatch: pytest.MonkeyPatch
) -> None:
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

    monkeypatch.setattr(doubtful.store, "newest", overtaken)
    report = doubtful.run()
    assert (counts(report), report.exit_code) == ({"archived": 1}, 0)
    assert effects(report) == {"inserted": 1, "reRead": 1}
    assert is_marked(doubtful.held(due))
    assert len(doubtful.store.digests()[uid(due)]) == 2


@pytest.mark.usefixtures("two_pages_at_once")
def test_database_that_is_away_is_asked_once_and_all_that_waits_is_deferred(
    doubtful: World, hanging: threading.Event
) -> None:
    due = add(doubtful, 9 * PAGE)
    release_when(doubtful, hanging, len(due))
    # Each page once, and the first two once more; the next one is the third page's turn.
    doubtful.calls.faults["newest", 9 + 2 + 1] = Unavailable("the database is starting up")
    report = doubtful.run()
    assert report.exit_code == 75
    assert "starting up" in str(report.error)
    assert counts(report) == {"archived": 2 * PAGE, "deferred": 7 * PAGE}
    assert [is_marked(doubtful.held(one)) for one in due] == [n < 2 * PAGE for n in range(9 * PAGE)]
    assert called(doubtful, "newest") == (9 + 2) * PAGE


@pytest.mark.usefixtures("two_pages_at_once")
def test_database_that_failed_to_write_is_not_asked_for_what_waits(
    doubtful: World, hanging: threading.Event
) -> None:
    due = add(doubtful, 5 * PAGE)
    doubtful.calls.faults["write", 5] = Unavailable("the database is starting up")
    real_write = doubtful.store.write

    def hang(_read: PartialObject) -> None:
        hanging.wait(10)

    def write(batch: Batch) -> Written:
        try:
            return real_write(batch)
        except Unavailable:
            hanging.set()
            raise

    doubtful.cluster.before_mark = hang
    doubtful.store.write = write  # type: ignore[method-assign]
    report = doubtful.run()
    assert (counts(report), report.exit_code) == ({"archived": 2 * PAGE, "deferred": 3 * PAGE}, 75)
    # Four pages once, and the first two of them once more.
    assert called(doubtful, "newest") == (4 + 2) * PAGE
    assert [is_marked(doubtful.held(one)) for one in due] == [n < 2 * PAGE for n in range(5 * PAGE)]


@pytest.mark.usefixtures("two_pages_at_once")
def test_no_time_left_begins_no_further_marks(
    world: World, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = add(world, 9 * PAGE)
    begun: list[str] = []
    mark = world.cluster.mark

    def counted(resource: PartialObject, its: Mark) -> Future[MarkOutcome]:
        begun.append(resource.key.uid)
        return mark(resource, its)

    def run_out(_batch: object) -> None:
        if called(world, "write") == len(due):
            world.stop.over = True

    def hang(_read: PartialObject) -> None:
        hanging.wait(10)

    monkeypatch.setattr(world.cluster, "mark", counted)
    world.cluster.before_mark = hang
    world.store.after_write = run_out
    report = world.run()
    assert (counts(report), report.exit_code) == ({"deferred": len(due)}, 75)
    assert begun == [uid(one) for one in due[: 2 * PAGE]]


def test_limits_are_what_the_documents_say() -> None:
    assert Limits() == Limits(tries=5, backoff=0.1, believed=10, ahead=8 << 20, glance=0.25)
