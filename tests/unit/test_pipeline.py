"""Whole runs over a cluster and a store in memory: what is counted, stored and marked.

`World.run` checks after every run that the counts add up and that no mark came before the store
gave its digest back.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait

import pytest

from archiver import settling
from archiver.domain.mark import Mark
from archiver.domain.metadata import PartialObject
from archiver.domain.plan import Surroundings
from archiver.domain.policy import Policy
from archiver.errors import (
    Forbidden,
    Integrity,
    MarkRefused,
    Unavailable,
    Unwritable,
)
from archiver.limits import Limits
from archiver.ports import MarkOutcome, Unparsed
from tests.fakes.cluster import Crash, Object
from tests.fakes.hanging import hanging
from tests.fakes.world import (
    World,
    called,
    counts,
    effects,
    is_marked,
    label,
    marks,
    resource,
    say,
    uid,
)

__all__ = ["hanging"]

BORN_TOMORROW = "2026-01-05T00:00:00Z"


@pytest.fixture
def world() -> World:
    return World()


def times(n: int, act: Callable[[PartialObject], object]) -> Callable[[PartialObject], None]:
    left = iter(range(n))

    def hook(read: PartialObject) -> None:
        if next(left, None) is not None:
            act(read)

    return hook


def test_nothing_found_is_a_run_that_is_done(world: World) -> None:
    report = world.run()
    assert (report.found, report.exit_code) == (0, 0)


def test_what_is_due_is_stored_then_read_back_then_marked(world: World) -> None:
    due = world.add("due")
    report = world.run()
    steps = [name for name, detail in world.calls.log if detail.startswith(uid(due))]
    assert steps == ["write", "newest", "mark"]
    assert (counts(report), report.exit_code) == ({"archived": 1}, 0)
    assert effects(report) == {"inserted": 1, "marked": 1}
    assert is_marked(world.held(due))


def test_every_object_is_counted_once_over_many_pages(world: World) -> None:
    world.cluster.page_size = 2
    for n in range(5):
        world.add(f"due-{n}")
    early = world.add("early", hours_ago=1)
    running = world.cluster.put({**resource("running"), "status": {"phase": "enriching"}})
    report = world.run()
    assert counts(report) == {"archived": 5, "notDue": 2}
    assert {s.why for s in world.settled if s.outcome == "notDue"} == {
        "not yet due",
        "not in a terminal phase (phase 'enriching')",
    }
    assert not is_marked(world.held(early))
    assert not is_marked(world.held(running))


def test_most_urgent_objects_are_marked_first(world: World) -> None:
    world.cluster.marks_at_once = 1
    for name, hours in (("later", 19), ("soonest", 30), ("soon", 21)):
        world.add(name, hours_ago=hours)
    order: list[str] = []
    world.cluster.before_mark = lambda read: order.append(read.metadata.name)
    world.run()
    assert order == ["soonest", "soon", "later"]


def test_second_run_writes_nothing(world: World) -> None:
    world.add("one")
    world.add("two")
    world.run()
    before = world.store.inner.writes, world.cluster.patches
    report = world.run()
    assert (counts(report), effects(report), report.exit_code) == ({"already": 2}, {}, 0)
    assert (world.store.inner.writes, world.cluster.patches) == before


def test_changed_between_read_and_mark_is_stored_again_and_marked(world: World) -> None:
    due = world.add("due")
    world.cluster.before_mark = times(1, lambda read: world.cluster.edit(read, say("late word")))
    report = world.run()
    assert counts(report) == {"archived": 1}
    assert effects(report) == {"inserted": 1, "revised": 1, "marked": 1, "reRead": 1}
    digests = world.store.digests()[uid(due)]
    assert len(digests) == 2
    assert marks(world.held(due))["digest"] == digests[-1]


def test_a_foreign_label_is_read_again_and_makes_no_row(world: World) -> None:
    due = world.add("due")
    world.cluster.before_mark = times(1, lambda read: world.cluster.edit(read, label))
    report = world.run()
    assert effects(report) == {"inserted": 1, "marked": 1, "reRead": 1}
    assert is_marked(world.held(due))
    assert world.held(due)["metadata"]["labels"]["team"] == "sre"


def test_object_that_never_rests_is_deferred_after_five_tries(world: World) -> None:
    hot, calm = world.add("hot"), world.add("calm")

    def keep_changing(read: PartialObject) -> None:
        if read.key.uid == uid(hot):
            world.cluster.edit(read, say(f"version {read.metadata.resource_version}"))

    world.cluster.before_mark = keep_changing
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1, "deferred": 1}, 75)
    assert sum(d.startswith(uid(hot)) for name, d in world.calls.log if name == "mark") == 5
    assert not is_marked(world.held(hot))
    assert is_marked(world.held(calm))


@pytest.mark.parametrize(
    "policy", [Policy(), Policy(lead=Policy().lead // 3)], ids=["due", "early"]
)
def test_changed_after_it_was_marked_is_archived_anew(world: World, policy: Policy) -> None:
    due = world.add("due")
    world.run()
    world.policy = policy
    world.cluster.edit(due, say("another word"))
    report = world.run()
    assert effects(report) == {"revised": 1, "marked": 1, "reArchived": 1}
    assert marks(world.held(due))["digest"] == world.store.digests()[uid(due)][-1]


def test_label_of_the_mark_that_was_taken_off_is_put_back_and_nothing_counts_as_changed(
    world: World,
) -> None:
    due = world.add("due")
    world.run()
    world.cluster.edit(due, lambda held: held["metadata"]["labels"].clear())
    assert effects(world.run()) == {"marked": 1}
    assert is_marked(world.held(due))


def test_left_its_terminal_phase_before_the_mark_is_not_due(world: World) -> None:
    due = world.add("due")
    world.cluster.before_mark = times(
        1, lambda read: world.cluster.edit(read, lambda o: o["status"].update(phase="routing"))
    )
    report = world.run()
    assert counts(report) == {"notDue": 1}
    assert not is_marked(world.held(due))


def test_deleted_before_the_mark_is_gone(world: World) -> None:
    world.add("due")
    world.cluster.before_mark = world.cluster.delete
    report = world.run()
    assert (counts(report), report.exit_code) == ({"gone": 1}, 0)


def test_deleted_before_it_is_read_again_is_gone(world: World) -> None:
    world.add("due")
    world.cluster.before_mark = lambda read: world.cluster.edit(read, label)
    world.cluster.before_read = world.cluster.delete
    report = world.run()
    assert (counts(report), report.exit_code) == ({"gone": 1}, 0)


@pytest.mark.parametrize("read_again", [False, True])
def test_gone_after_a_state_that_followed_an_archived_one_is_named(
    world: World, read_again: bool
) -> None:
    """Another run may have seen it say the first state again, after this one had listed it."""
    due = world.add("due")
    world.run()
    world.cluster.edit(due, say("a word in between"))
    if read_again:
        world.cluster.before_mark = times(1, lambda read: world.cluster.edit(read, label))
        world.cluster.before_read = world.cluster.delete
    else:
        world.cluster.before_mark = world.cluster.delete
    report = world.run()
    assert (counts(report), report.exit_code) == ({"gone": 1}, 1)
    assert effects(report)["revised"] == 1
    assert [(p.reason, p.uid) for p in report.problems] == [("last-state-unknown", uid(due))]
    assert [settled.exit_code for settled in world.settled] == [1]


def test_gone_after_a_state_that_was_read_a_moment_ago_is_no_problem(world: World) -> None:
    due = world.add("due")
    reads: list[PartialObject] = []

    def act(read: PartialObject) -> None:
        reads.append(read)
        if len(reads) == 1:
            world.cluster.edit(read, say("late word"))
        else:
            world.cluster.delete(read)

    world.cluster.before_mark = act
    report = world.run()
    assert (counts(report), report.exit_code) == ({"gone": 1}, 0)
    assert len(world.store.digests()[uid(due)]) == 2


def test_recreated_under_the_same_name_is_gone_and_the_new_one_unmarked(world: World) -> None:
    due = world.add("due")
    newcomer = resource("due", uid="5a1b4d8e-0000-4000-8000-000000000000")
    world.cluster.before_mark = times(1, lambda _read: world.cluster.put(newcomer))
    report = world.run()
    assert counts(report) == {"gone": 1}
    assert uid(world.held(due)) == uid(newcomer)
    assert not is_marked(world.held(due))


def test_unreadable_when_read_again_is_quarantined_with_the_bytes_of_now(world: World) -> None:
    due = world.add("due")
    world.cluster.before_mark = lambda read: world.cluster.edit(read, say("the last word"))
    world.cluster.unreadable.add(uid(due))
    report = world.run()
    assert (counts(report), report.exit_code) == ({"quarantined": 1}, 1)
    assert [problem.reason for problem in report.problems] == ["too-deep"]
    (kept,) = world.store.inner.quarantine.values()
    assert b"the last word" in kept.raw


def test_server_lost_before_reading_again_defers_what_was_not_read(world: World) -> None:
    due = [world.add(f"due-{n}") for n in range(3)]
    world.cluster.before_mark = times(3, lambda read: world.cluster.edit(read, label))
    world.calls.faults["read", 2] = Unavailable("connection refused")
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1, "deferred": 2}, 75)
    assert sum(is_marked(world.held(one)) for one in due) == 1


def test_forgotten_by_the_store_is_healed_without_a_patch(world: World) -> None:
    due, kept = world.add("due"), world.add("kept")
    world.run()
    patches = world.cluster.patches
    world.store.forget(uid(due))
    report = world.run()
    assert counts(report) == {"archived": 1, "already": 1}
    assert effects(report) == {"inserted": 1, "healed": 1}
    assert world.cluster.patches == patches
    assert set(world.store.digests()) == {uid(due), uid(kept)}


def test_swallowed_insert_is_an_integrity_failure_and_nothing_is_marked(world: World) -> None:
    first, lost = world.add("first"), world.add("lost")
    world.store.inner.swallow.add(uid(lost))
    report = world.run()
    assert isinstance(report.error, Integrity)
    assert (counts(report), report.exit_code) == ({"deferred": 2}, 65)
    assert "lost" in str(report.error)
    assert not is_marked(world.held(first))
    assert not is_marked(world.held(lost))


def test_older_state_from_a_file_is_already_archived_and_superseded(world: World) -> None:
    due = world.add("due", version=5)
    older = copy.deepcopy(due)
    world.cluster.edit(due, say("the last word"))
    world.run()
    world.cluster.live, world.cluster.listing = False, [older]
    report = world.run()
    assert (counts(report), effects(report)) == ({"already": 1}, {"superseded": 1})
    assert len(world.store.digests()[uid(due)]) == 1


def test_state_of_a_restored_cluster_is_inserted_once_the_server_confirms_it(world: World) -> None:
    due = world.add("due", version=9000)
    world.run()
    world.cluster.put({**resource("due"), "status": {**due["status"], "message": "x"}}, version=50)
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1}, 0)
    assert effects(report) == {"revised": 1, "marked": 1, "reRead": 1}
    assert is_marked(world.held(due))
    assert len(world.store.digests()[uid(due)]) == 2


def test_outdated_answer_of_the_list_is_read_again_and_makes_no_row(world: World) -> None:
    due = world.add("due", version=5)
    older = copy.deepcopy(due)
    world.cluster.edit(due, say("the last word"))
    world.run()
    held = world.held(due)
    for key in ("labels", "annotations"):
        held["metadata"].pop(key, None)
    world.cluster.listing = [older]
    report = world.run()
    assert effects(report) == {"marked": 1, "reRead": 1}
    assert is_marked(world.held(due))
    assert len(world.store.digests()[uid(due)]) == 1


def test_refused_mark_needs_a_person_and_stops_nobody_else(world: World) -> None:
    refused, fine = world.add("refused"), world.add("fine")

    def refuse(read: PartialObject) -> None:
        if read.key.uid == uid(refused):
            raise MarkRefused("422 spec.signal: Required value")

    world.cluster.before_mark = refuse
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1, "deferred": 1}, 1)
    assert [(p.uid, p.reason) for p in report.problems] == [(uid(refused), "mark-refused")]
    assert is_marked(world.held(fine))


@pytest.mark.parametrize(
    ("error", "code"), [(Forbidden("patch is missing"), 78), (Unavailable("no answer"), 75)]
)
def test_first_mark_that_fails_is_the_last_one_sent(
    world: World, error: Exception, code: int
) -> None:
    world.cluster.marks_at_once = 1
    world.cluster.page_size = 4
    for n in range(8):
        world.add(f"due-{n}")
    world.calls.faults["mark", 1] = error
    report = world.run()
    assert report.exit_code == code
    assert set(counts(report)) == {"deferred"}
    assert called(world, "mark") == world.cluster.patches == 0


def sick(world: World, *objects: Object) -> None:
    """The API server goes on failing to write these, and does well else."""
    write = world.cluster.mark

    def mark(resource: PartialObject, mark: Mark) -> Future[MarkOutcome]:
        if resource.key.uid not in map(uid, objects):
            return write(resource, mark)
        failed: Future[MarkOutcome] = Future()
        failed.set_exception(Unwritable("remove operation does not apply (HTTP 500)"))
        return failed

    world.cluster.mark = mark  # type: ignore[method-assign]


def test_what_the_server_reads_and_cannot_write_is_one_object_and_the_run_goes_on(
    world: World,
) -> None:
    world.cluster.page_size = 2
    due = [world.add(f"due-{n}") for n in range(8)]
    sick(world, due[0], due[4])
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 6, "deferred": 2}, 1)
    assert [problem.reason for problem in report.problems] == ["mark-refused"] * 2
    assert [is_marked(world.held(one)) for one in due] == [n not in (0, 4) for n in range(8)]


def test_a_server_that_neither_writes_nor_reads_is_away(world: World) -> None:
    world.cluster.page_size = 2
    due = [world.add(f"due-{n}") for n in range(8)]
    sick(world, due[0])
    world.calls.faults["read", 1] = Unavailable("connection refused")
    report = world.run()
    assert report.exit_code == 75
    assert report.found < 8
    assert report.problems == ()


def test_an_object_that_can_be_written_no_more_nor_read_is_refused(world: World) -> None:
    due = world.add("due")
    sick(world, due)
    world.cluster.unreadable.add(uid(due))
    report = world.run()
    assert (counts(report), report.exit_code) == ({"deferred": 1}, 1)


def test_failed_write_defers_its_page_and_marks_nothing_of_it(world: World) -> None:
    world.cluster.page_size = 2
    due = [world.add(f"due-{n}") for n in range(4)]
    world.calls.faults["write", 2] = Unavailable("the database is starting up")
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 2, "deferred": 2}, 75)
    assert [is_marked(world.held(one)) for one in due] == [True, True, False, False]
    assert "starting up" in str(report.error)


def test_failed_reading_back_marks_nothing_although_it_was_written(world: World) -> None:
    due = world.add("due")
    world.calls.faults["newest", 1] = Unavailable("connection reset")
    report = world.run()
    assert (counts(report), report.exit_code) == ({"deferred": 1}, 75)
    assert not is_marked(world.held(due))
    assert effects(world.run()) == {"marked": 1}


def test_failed_list_leaves_earlier_pages_marked(world: World) -> None:
    world.cluster.page_size = 10
    world.cluster.marks_at_once = 1
    due = [world.add(f"due-{n}") for n in range(30)]
    world.calls.faults["list", 3] = Unavailable("no answer within 60 s")
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 20}, 75)
    assert [is_marked(world.held(one)) for one in due] == [True] * 20 + [False] * 10


def test_asked_to_stop_marks_what_is_confirmed_and_lists_no_more(world: World) -> None:
    world.cluster.page_size = 2
    due = [world.add(f"due-{n}") for n in range(6)]
    world.store.after_write = lambda _batch: setattr(world.stop, "asked", True)
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 2}, 75)
    assert [is_marked(world.held(one)) for one in due] == [True, True] + [False] * 4


def test_asked_to_stop_does_not_wait_for_a_list_that_hangs(
    world: World, hanging: threading.Event
) -> None:
    due = world.add("due")

    def hang(_page: int) -> None:
        world.stop.asked = True
        hanging.wait(10)

    world.cluster.before_page = hang
    report = world.run()
    assert (report.found, report.exit_code) == (0, 75)
    assert not is_marked(world.held(due))


def test_lost_row_calls_back_the_marks_of_the_page_before(
    world: World, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cluster.page_size, world.cluster.marks_at_once = 2, 1
    due = [world.add(f"due-{n}") for n in range(4)]
    world.store.inner.swallow.add(uid(due[2]))

    def hang(_read: PartialObject) -> None:
        hanging.wait(10)

    def wait_for_marks(futures: Sequence[Future[object]], timeout: float) -> object:
        if called(world, "write") == len(due):
            hanging.set()
        return wait(futures, timeout)

    world.cluster.before_mark = hang
    monkeypatch.setattr(settling, "wait", wait_for_marks)
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1, "deferred": 3}, 65)
    # The first was under way, as it may be; the second was not, and is believed no more.
    assert [is_marked(world.held(one)) for one in due] == [True, False, False, False]


def test_slow_list_is_waited_for(world: World, hanging: threading.Event) -> None:
    world.add("due")

    def dawdle(_page: int) -> None:
        hanging.wait(0.1)

    world.cluster.before_page = dawdle
    assert counts(world.run()) == {"archived": 1}


def test_slow_mark_is_waited_for(world: World, hanging: threading.Event) -> None:
    world.add("due")

    def dawdle(_read: PartialObject) -> None:
        hanging.wait(0.1)

    world.cluster.before_mark = dawdle
    assert counts(world.run()) == {"archived": 1}


def test_no_time_left_defers_marks_that_hang_and_those_behind_them(
    world: World, hanging: threading.Event
) -> None:
    world.cluster.marks_at_once = 1
    world.add("one")
    world.add("two")

    def hang(_read: PartialObject) -> None:
        world.stop.over = True
        hanging.wait(10)

    world.cluster.before_mark = hang
    report = world.run()
    assert (counts(report), report.exit_code) == ({"deferred": 2}, 75)
    assert world.cluster.patches == 0


def test_no_time_left_waits_for_no_mark_any_more(
    world: World, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.limits = Limits(backoff=0, glance=2.0)
    world.cluster.marks_at_once = 8
    waits: list[object] = []

    def counted(futures: Sequence[Future[object]], timeout: float) -> object:
        waits.append(futures)
        return wait(futures, timeout)

    monkeypatch.setattr(settling, "wait", counted)
    for number in range(8):
        world.add(f"due-{number}")

    def hang(_read: PartialObject) -> None:
        world.stop.over = True
        hanging.wait(10)

    world.cluster.before_mark = hang
    assert counts(world.run()) == {"deferred": 8}
    # One for the page, at most one for the mark under way when time ran out.
    assert len(waits) <= 3


def test_page_whose_surroundings_cannot_be_read_is_counted_and_deferred(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("one")
    world.cluster.unparsed.append(Unparsed("item 7", "no-uid", "metadata.uid is missing", b"{}"))

    def away(_page: object) -> Surroundings:
        raise Unavailable("away")

    monkeypatch.setattr(world.cluster, "surroundings", away)
    report = world.run()
    assert (counts(report), report.exit_code) == ({"deferred": 2}, 75)


def test_no_time_left_defers_what_has_to_be_read_again(world: World) -> None:
    world.add("due")

    def change(read: PartialObject) -> None:
        world.cluster.edit(read, label)
        world.stop.over = True

    world.cluster.before_mark = change
    report = world.run()
    assert (counts(report), report.exit_code) == ({"deferred": 1}, 75)
    assert called(world, "read") == 0


def test_mark_whose_reply_was_lost_counts_as_archived(world: World) -> None:
    due = world.add("due")
    world.cluster.lost_replies.add(uid(due))
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1}, 0)
    assert world.cluster.patches == 1
    assert counts(world.run()) == {"already": 1}


@pytest.mark.parametrize("newest_first", [False, True])
def test_two_states_of_one_object_in_a_dump_leave_the_newer_as_newest(
    world: World, newest_first: bool
) -> None:
    older = world.add("due", version=5)
    newer = copy.deepcopy(older)
    newer["metadata"]["resourceVersion"] = "6"
    say("the last word")(newer)
    world.cluster.live = False
    world.cluster.listing = [newer, older] if newest_first else [older, newer]
    report = world.run()
    found = {"archived": 1, "already": 1} if newest_first else {"archived": 2}
    assert (counts(report), report.exit_code) == (found, 0)
    records = world.store.inner.revisions["cluster", uid(older)]
    assert records[-1].resource_version == 6


def test_state_from_a_file_that_is_not_the_first_is_said_to_be_none(world: World) -> None:
    world.cluster.live = False
    due = world.add("due")
    world.run()
    world.cluster.edit(due, say("a later word"))
    report = world.run()
    assert (counts(report), effects(report)) == ({"archived": 1}, {"revised": 1})
    assert ["another state" in settled.why for settled in world.settled] == [True]


def test_a_file_is_archived_and_nothing_is_marked(world: World) -> None:
    world.policy = Policy(everything=True)
    old = world.add("old", hours_ago=5000)
    world.cluster.live = False
    report = world.run()
    assert (counts(report), effects(report)) == ({"archived": 1}, {"inserted": 1})
    assert [one.why for one in world.settled] == ["terminal (backfill)"]
    assert not is_marked(world.held(old))
    again = world.run()
    assert (counts(again), effects(again)) == ({"already": 1}, {})


def test_bad_objects_are_kept_and_named_while_good_ones_are_archived(world: World) -> None:
    good = world.add("good")
    bad = world.cluster.put(resource("bad", born=BORN_TOMORROW))
    world.cluster.unparsed.append(Unparsed("item 7", "no-uid", "metadata.uid is missing", b"{}"))
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1, "quarantined": 2}, 1)
    assert {p.reason for p in report.problems} == {"no-uid", "creation-time-out-of-range"}
    assert is_marked(world.held(good))
    assert not is_marked(world.held(bad))
    assert len(world.store.inner.quarantine) == 2


def test_bad_objects_alone_are_kept_too(world: World) -> None:
    world.cluster.unparsed.append(Unparsed("item 1", "not-json", "no JSON object", b"]"))
    report = world.run()
    assert (counts(report), report.exit_code) == ({"quarantined": 1}, 1)
    assert len(world.store.inner.quarantine) == 1


def test_refused_by_the_store_is_named_and_not_marked(world: World) -> None:
    refused, fine = world.add("refused"), world.add("fine")
    world.store.refuse[uid(refused)] = "no partition for 1970-01"
    report = world.run()
    assert (counts(report), report.exit_code) == ({"archived": 1, "quarantined": 1}, 1)
    assert [(p.uid, p.reason) for p in report.problems] == [(uid(refused), "refused-by-store")]
    assert not is_marked(world.held(refused))
    assert is_marked(world.held(fine))


def eventful() -> World:
    """Marked before, changed since, forgotten since, new, changing under the run, and broken."""
    world = World()
    world.cluster.marks_at_once = 1
    world.cluster.page_size = 2
    kept, changed, forgotten = (world.add(name) for name in ("kept", "changed", "forgotten"))
    world.run()
    world.cluster.edit(changed, say("a second thought"))
    world.store.forget(uid(forgotten))
    world.add("new")
    restless = world.add("restless")
    world.cluster.put(resource("broken", born=BORN_TOMORROW))

    def restless_once(read: PartialObject) -> None:
        labels = world.held(restless)["metadata"].get("labels") or {}
        if read.key.uid == uid(restless) and "team" not in labels:
            world.cluster.edit(read, label)

    world.cluster.before_mark = restless_once
    assert uid(kept) in world.store.digests()
    return world


def end(world: World) -> tuple[object, ...]:
    """What has to be the same however often the run was killed."""
    marked = {name: marks(held) for name, held in world.cluster.objects.items()}
    rows = world.store.digests()
    return rows, marked, world.store.inserts, world.cluster.patches, world.store.inner.quarantine


def crash(world: World, step: int, *, late: bool) -> None:
    world.calls.crash_at, world.calls.crash_late = world.calls.total + step, late
    with pytest.raises(Crash):
        world.run()
    for thread in threading.enumerate():
        if thread.name.startswith(("mark", "list")):
            thread.join(10)
    world.calls.revive()


@pytest.mark.parametrize("late", [False, True], ids=["before its effect", "after its effect"])
def test_crash_at_any_step_and_one_clean_run_equal_a_run_without_a_crash(late: bool) -> None:
    faultless = eventful()
    before = faultless.calls.total
    assert faultless.run().exit_code == 1
    steps = faultless.calls.total - before
    assert steps > 10
    for step in range(1, steps + 1):
        world = eventful()
        crash(world, step, late=late)
        assert world.run().exit_code == 1
        assert end(world) == end(faultless), f"differs after a crash at step {step} of {steps}"
        world.cluster.before_mark = lambda _read: None
        assert set(counts(world.run())) == {"already", "quarantined"}
