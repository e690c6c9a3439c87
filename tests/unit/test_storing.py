"""Decisions go in; what is stored and read back comes out, and everything else is settled."""

import copy

import pytest

from archiver.domain.canonical import sha256_hex
from archiver.domain.custom_resource import parse
from archiver.domain.evidence import _content, _take_apart
from archiver.domain.mark import DIGEST, merge_patch
from archiver.domain.plan import Archive, Decision, Marked, Quarantine, Reason, Terms, plan
from archiver.domain.policy import HOUR, Policy
from archiver.domain.record import ORDER_BY_RESOURCE_VERSION
from archiver.domain.report import Effect, Outcome
from archiver.domain.tally import Settled, Tally
from archiver.errors import Configuration, Integrity, Unavailable
from archiver.ports import UNKNOWN_CLUSTER, Batch, Page, Unparsed
from archiver.storing import Storing
from tests.fakes.cluster import Calls, MemoryCluster, Object, ObservedStore, parsed
from tests.fakes.world import NOW_NS, resource, say

UNPARSED = Unparsed("item 3", "not-json", "item 3: no JSON object", b"]", "a-uid")


class Bench:
    """A `Storing` and all that is around it."""

    def __init__(self, *, live: bool = True) -> None:
        self.calls = Calls()
        self.store = ObservedStore(self.calls)
        self.settled: list[Settled] = []
        self.tally = Tally(observe=self.settled.append)
        self.cluster = MemoryCluster(self.calls, NOW_NS, live=live)
        self.storing = self.of_run("run-1")

    def of_run(self, run_id: str) -> Storing:
        self.terms = terms(run_id)
        return Storing(self.cluster, self.store, self.terms, self.tally)

    def decide(self, *manifests: Object) -> list[Decision]:
        return [plan(parsed(manifest), self.terms) for manifest in manifests]

    def let_another_run_add(self, manifest: Object) -> None:
        """As the newest revision, right after each of our own writes."""
        (decision,) = self.decide(manifest)
        assert isinstance(decision, Archive)
        record = decision.record

        def race(_batch: object) -> None:
            self.store.inner.revisions["cluster", record.key.uid].append(record)

        self.store.after_write = race

    @property
    def steps(self) -> list[str]:
        return [name for name, _ in self.calls.log]


def terms(run_id: str) -> Terms:
    return Terms(Policy(), NOW_NS, run_id, "store")


def due(name: str = "due", *, hours_ago: float = 20, version: int = 5) -> Object:
    manifest = resource(name, hours_ago=hours_ago)
    manifest["metadata"]["resourceVersion"] = str(version)
    return manifest


def marked(manifest: Object, run_id: str) -> Object:
    decision = plan(parsed(manifest), terms(run_id))
    assert isinstance(decision, Archive)
    patch = merge_patch(decision.resource.metadata, decision.mark)["metadata"]
    return {**manifest, "metadata": manifest["metadata"] | patch}


def names(archives: list[Archive]) -> list[str]:
    return [archive.resource.metadata.name for archive in archives]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_to_store_asks_the_store_nothing(bench: Bench) -> None:
    stored = bench.storing.store([])
    assert (stored.confirmed, stored.again, bench.calls.total) == ([], [], 0)


def test_skipped_objects_are_settled_with_their_reason_and_not_stored(bench: Bench) -> None:
    running = {**due("running"), "status": {"phase": "Routing"}}
    bench.storing.store(bench.decide(due("early", hours_ago=2), running))
    assert bench.tally.outcomes == {Outcome.NOT_DUE: 2}
    assert [s.why for s in bench.settled] == [
        "not yet due",
        "not in a terminal phase (phase 'routing')",
    ]
    # Retention 24 h, lead 6 h.
    assert [s.due_at for s in bench.settled] == [NOW_NS + 16 * HOUR, None]
    assert bench.calls.total == 0


def test_confirmed_objects_come_back_most_urgent_first_and_unsettled(bench: Bench) -> None:
    stored = bench.storing.store(bench.decide(due("a", hours_ago=19), due("b", hours_ago=23)))
    assert names(stored.confirmed) == ["b", "a"]
    assert bench.settled == []
    assert bench.tally.effects[Effect.INSERTED] == 2


def test_word_that_is_no_known_phase_is_noted(bench: Bench) -> None:
    odd = {**due("odd"), "status": {"phase": " Succeeded "}}
    running = {**due("running"), "status": {"phase": "Routing"}}
    bench.storing.store(bench.decide(odd, running))
    assert bench.tally.unknown_phases == {"succeeded": 1}


@pytest.mark.parametrize("status", [None, "", [], 7])
def test_status_that_is_no_object_is_counted_besides(bench: Bench, status: object) -> None:
    bench.storing.store(bench.decide({**due("odd"), "status": status}, due("early", hours_ago=1)))
    assert bench.tally.outcomes == {Outcome.NOT_DUE: 2}
    assert bench.tally.unreadable_status == 1
    assert bench.tally.unknown_phases == {}
    assert bench.settled[0].why == str(Reason.UNREADABLE_STATUS)


def test_marked_and_stored_objects_are_settled_without_a_write(bench: Bench) -> None:
    bench.storing.store(bench.decide(due()))
    writes = bench.store.inner.writes
    again = bench.of_run("run-2")
    assert again.store(bench.decide(marked(due(), "run-1"))).confirmed == []
    assert bench.tally.outcomes == {Outcome.ALREADY: 1}
    assert bench.store.inner.writes == writes


def test_mark_of_this_very_run_counts_as_archived(bench: Bench) -> None:
    bench.storing.store(bench.decide(due()))
    bench.storing.store(bench.decide(marked(due(), "run-1")))
    assert bench.tally.outcomes == {Outcome.ARCHIVED: 1}


def test_marked_object_that_the_store_holds_otherwise_is_healed(bench: Bench) -> None:
    bench.storing.store(bench.decide(due()))
    later = due(version=6)
    say("a later word")(later)
    assert bench.storing.store(bench.decide(marked(later, "run-0"))).confirmed == []
    assert bench.tally.effects[Effect.HEALED] == bench.tally.effects[Effect.REVISED] == 1
    assert bench.tally.outcomes == {Outcome.ARCHIVED: 1}


def test_marked_object_of_an_unknown_cluster_is_not_taken_for_one_that_was_lost() -> None:
    bench = Bench(live=False)
    bench.storing.store(bench.decide(due()))
    bench.cluster.cluster_id = UNKNOWN_CLUSTER
    assert names(bench.storing.store(bench.decide(marked(due(), "run-0"))).confirmed) == ["due"]
    effects = bench.tally.effects
    assert (effects[Effect.INSERTED], effects[Effect.HEALED]) == (2, 0)


def test_store_that_cannot_be_asked_defers_and_keeps_the_error(bench: Bench) -> None:
    error = Unavailable("no route to host")
    bench.calls.faults["newest", 1] = error
    stored = bench.storing.store(bench.decide(marked(due("a"), "run-0"), due("b")))
    assert stored.confirmed == []
    assert bench.tally.error is error
    assert bench.tally.outcomes == {Outcome.DEFERRED: 2}
    assert "write" not in bench.steps


def test_failed_write_defers_the_archives_and_counts_the_skipped(bench: Bench) -> None:
    bench.calls.faults["write", 1] = Configuration("the schema is newer")
    early = due("early", hours_ago=1)
    assert bench.storing.store(bench.decide(due(), early)).confirmed == []
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1, Outcome.NOT_DUE: 1}


def test_quarantined_bytes_are_stored_with_the_page(bench: Bench) -> None:
    bad = resource("bad", born="2026-01-05T00:00:00Z")
    decisions = bench.decide(due(), bad)
    assert isinstance(decisions[1], Quarantine)
    stored = bench.storing.store(decisions, [UNPARSED])
    assert names(stored.confirmed) == ["due"]
    assert bench.store.inner.writes == 1
    kept = bench.store.inner.quarantine.values()
    assert {item.raw for item in kept} == {b"]", parsed(bad).raw}
    assert {p.uid for p in bench.tally.problems} == {"a-uid", bad["metadata"]["uid"]}
    assert [p.message for p in bench.tally.problems if p.object in p.message] == []
    assert [item.message for item in kept if item.position in item.message] == []


def test_quarantined_bytes_without_archives_have_a_write_of_their_own(bench: Bench) -> None:
    bench.storing.store([], [UNPARSED])
    assert bench.store.inner.writes == 1
    assert "newest" not in bench.steps
    assert bench.tally.outcomes == {Outcome.QUARANTINED: 1}


def test_bytes_that_could_not_be_kept_are_deferred_and_not_said_to_be_kept(bench: Bench) -> None:
    bench.calls.faults["write", 1] = Unavailable("down")
    bench.storing.store([], [UNPARSED])
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1}
    assert bench.tally.problems == []
    assert bench.settled[0].uid == "a-uid"


def test_quarantined_bytes_beside_nothing_but_stored_objects_are_written(bench: Bench) -> None:
    bench.storing.store(bench.decide(due()))
    bench.storing.store(bench.decide(marked(due(), "run-0")), [UNPARSED])
    assert len(bench.store.inner.quarantine) == 1
    assert bench.tally.outcomes == {Outcome.ALREADY: 1, Outcome.QUARANTINED: 1}


def test_refused_record_is_quarantined_with_its_bytes_and_the_others_confirmed(
    bench: Bench,
) -> None:
    bench.store.refuse[due("bad")["metadata"]["uid"]] = "value too long"
    bad, good = bench.decide(due("bad"), due("good"))
    stored = bench.storing.store([bad, good])
    assert names(stored.confirmed) == ["good"]
    assert [(p.reason, p.message) for p in bench.tally.problems] == [
        ("refused-by-store", "value too long")
    ]
    (kept,) = bench.store.inner.quarantine.values()
    assert (kept.raw, kept.uid) == (bad.resource.raw, bad.resource.key.uid)
    assert bench.tally.outcomes == {Outcome.QUARANTINED: 1}


def test_refused_record_whose_bytes_cannot_be_kept_is_left_for_the_next_run(bench: Bench) -> None:
    bench.store.refuse[due("bad")["metadata"]["uid"]] = "value too long"

    def fail(batch: Batch) -> None:
        if batch.records:
            bench.store.inner.failures.append(Unavailable("away"))

    bench.store.after_write = fail
    stored = bench.storing.store(bench.decide(due("bad"), due("good")))
    assert names(stored.confirmed) == ["good"]
    assert isinstance(bench.tally.error, Unavailable)
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1}


def test_deferred_page_counts_every_object_on_it(bench: Bench) -> None:
    page = Page([parsed(due("a")), parsed(due("b"))], [UNPARSED])
    bench.storing.defer(page, Unavailable("away"))
    assert bench.tally.outcomes == {Outcome.DEFERRED: 3}
    assert isinstance(bench.tally.error, Unavailable)
    assert bench.calls.total == 0


def test_row_that_is_not_there_is_an_integrity_error(bench: Bench) -> None:
    bench.store.inner.swallow.add(due("lost")["metadata"]["uid"])
    bench.storing.store(bench.decide(due("lost")))
    assert isinstance(bench.tally.error, Integrity)
    # A dry run on the server, which has committed nothing, says the same.
    said = "of the rows that were written, 1 cannot be read back, that of kubernaut-system/lost "
    assert str(bench.tally.error).startswith(said)
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1}


def test_later_state_that_is_swallowed_is_an_integrity_error_and_no_race(bench: Bench) -> None:
    older, newer = states()
    bench.storing.store(bench.decide(older))
    bench.store.inner.swallow.add(older["metadata"]["uid"])
    stored = bench.storing.store(bench.decide(newer))
    assert (stored.confirmed, stored.again) == ([], [])
    assert isinstance(bench.tally.error, Integrity)
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1}


def states() -> tuple[Object, Object]:
    older = due(version=5)
    newer = copy.deepcopy(older)
    newer["metadata"]["resourceVersion"] = "6"
    say("a later word")(newer)
    return older, newer


def test_outdated_state_of_a_live_object_has_to_be_read_again(bench: Bench) -> None:
    older, newer = states()
    bench.storing.store(bench.decide(newer))
    stored = bench.storing.store(bench.decide(older))
    assert (names(stored.again), stored.confirmed) == (["due"], [])
    assert stored.stale == {older["metadata"]["uid"]: "5"}


def test_outdated_state_that_the_server_repeats_is_inserted(bench: Bench) -> None:
    older, newer = states()
    bench.storing.store(bench.decide(newer))
    stale = bench.storing.store(bench.decide(older)).stale
    assert names(bench.storing.store(bench.decide(older), stale=stale).confirmed) == ["due"]
    assert bench.tally.effects[Effect.REVISED] == 1


def test_outdated_state_that_the_server_replaces_by_another_is_not_inserted(bench: Bench) -> None:
    older, newer = states()
    bench.storing.store(bench.decide(newer))
    stale = {older["metadata"]["uid"]: "4"}
    assert names(bench.storing.store(bench.decide(older), stale=stale).again) == ["due"]
    assert bench.tally.effects[Effect.REVISED] == 0


def test_state_overtaken_by_a_racing_run_is_read_again_and_not_stale(bench: Bench) -> None:
    older, newer = states()
    decision = bench.decide(newer)[0]
    assert isinstance(decision, Archive)
    uid = older["metadata"]["uid"]

    def race(_batch: object) -> None:
        bench.store.inner.revisions["cluster", uid].append(decision.record)

    bench.store.after_write = race
    stored = bench.storing.store(bench.decide(older))
    assert (names(stored.again), stored.stale, stored.confirmed) == (["due"], {}, [])


@pytest.mark.parametrize("live", [True, False])
def test_state_that_follows_another_one_is_told_apart(live: bool) -> None:
    bench = Bench(live=live)
    older, newer = states()
    first, second, other = bench.decide(older, newer, due("other"))
    assert isinstance(second, Archive)
    assert bench.storing.store([first]).revised == set()
    assert bench.storing.store([second, other]).revised == {second.digest}
    assert bench.storing.store([second]).revised == set()
    uid = older["metadata"]["uid"]
    flags = [record.flags for record in bench.store.inner.revisions["cluster", uid]]
    assert [ORDER_BY_RESOURCE_VERSION in each for each in flags] == [False, not live]


def test_outdated_state_in_a_file_is_superseded() -> None:
    bench = Bench(live=False)
    older, newer = states()
    bench.storing.store(bench.decide(newer))
    stored = bench.storing.store(bench.decide(older))
    assert stored.again == []
    assert bench.tally.effects[Effect.SUPERSEDED] == 1
    assert bench.tally.outcomes == {Outcome.ALREADY: 1}


def test_state_in_a_file_that_nothing_puts_in_order_is_quarantined() -> None:
    bench = Bench(live=False)
    first, second = states()
    del first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]
    stored = bench.storing.store(bench.decide(first, second))
    assert names(stored.confirmed) == ["due"]
    assert bench.tally.outcomes == {Outcome.QUARANTINED: 1}
    assert [problem.reason for problem in bench.tally.problems] == ["order-unknown"]
    (kept,) = bench.store.inner.quarantine.values()
    assert kept.raw == parsed(second).raw
    assert bench.tally.effects[Effect.SUPERSEDED] == 0


def test_state_of_a_live_object_that_nothing_puts_in_order_is_read_again(bench: Bench) -> None:
    first, second = states()
    second["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"]
    bench.storing.store(bench.decide(first))
    assert names(bench.storing.store(bench.decide(second)).again) == ["due"]
    assert bench.tally.problems == []


def test_state_in_a_file_that_a_racing_run_overtook_is_superseded() -> None:
    bench = Bench(live=False)
    older, newer = states()
    bench.let_another_run_add(newer)
    assert bench.storing.store(bench.decide(older)).confirmed == []
    assert bench.tally.outcomes == {Outcome.ALREADY: 1}


def test_state_in_a_file_that_was_the_newest_until_a_racing_run_came_is_left_to_the_next() -> None:
    bench = Bench(live=False)
    older, newer = states()
    bench.storing.store(bench.decide(older))
    bench.let_another_run_add(newer)
    assert bench.storing.store(bench.decide(older)).confirmed == []
    assert bench.tally.error is None
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1}


def test_later_state_in_a_file_that_is_swallowed_is_not_said_to_be_archived() -> None:
    bench = Bench(live=False)
    older, newer = states()
    bench.storing.store(bench.decide(older))
    bench.store.inner.swallow.add(older["metadata"]["uid"])
    assert bench.storing.store(bench.decide(newer)).confirmed == []
    assert isinstance(bench.tally.error, Integrity)
    assert bench.tally.outcomes == {Outcome.DEFERRED: 1}


def test_states_of_one_object_never_share_a_transaction() -> None:
    bench = Bench(live=False)
    older, newer = states()
    stored = bench.storing.store(bench.decide(older, due("other"), newer), [UNPARSED])
    assert bench.store.inner.writes == 2
    assert sorted(names(stored.confirmed)) == ["due", "due", "other"]
    assert bench.tally.outcomes == {Outcome.QUARANTINED: 1}


def test_a_mark_that_the_store_knows_nothing_of_is_no_reason_to_believe_the_bytes(
    bench: Bench,
) -> None:
    manifest = marked(due(), "run-0")
    decision = bench.decide(manifest)[0]
    assert isinstance(decision, Marked)
    annotations = {**manifest["metadata"]["annotations"]}
    spoilt = decision.resource.raw.replace(b'"spec":{', b'"spec":{"a":1,"a":2,')
    twice = parse(spoilt, position="")
    forged = sha256_hex(_content(twice, *(_take_apart(twice) or ({}, {}))))
    lie = parse(spoilt.replace(annotations[DIGEST].encode(), forged.encode()), position="")
    stored = bench.storing.store([plan(lie, bench.terms)])
    assert stored.confirmed == []
    assert bench.tally.outcomes == {Outcome.QUARANTINED: 1}
    assert [problem.reason for problem in bench.tally.problems] == ["duplicate-key"]
