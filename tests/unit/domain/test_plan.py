"""What is due, and why: the edges of every rule."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from archiver.domain import gotime
from archiver.domain.custom_resource import CustomResource, parse
from archiver.domain.evidence import _content, _take_apart
from archiver.domain.mark import DIGEST, merge_patch
from archiver.domain.plan import (
    NOTHING_KNOWN,
    Archive,
    Cause,
    Marked,
    Quarantine,
    Reason,
    Skip,
    Surroundings,
    Terms,
    plan,
)
from archiver.domain.policy import HOUR, SECOND, SKEW_TOLERANCE, Policy
from tests.unit.domain.objects import NOW, ago, obj, read, resource

_TERMS = Terms(Policy(), NOW, "run-1", "store-1")
_KIND = ("remediation.kubernaut.io/v1alpha1", "RemediationRequest")


def _owner(uid: str = "parent", kind: str = _KIND[1], *, controller: bool = True) -> dict[str, Any]:
    return {
        "apiVersion": _KIND[0],
        "kind": kind,
        "name": "rr",
        "uid": uid,
        "controller": controller,
    }


def _done(hours: float, phase: str = "completed", **metadata: Any) -> CustomResource:
    """An object that ended so many hours ago."""
    return resource({"phase": phase, "completionTime": ago(hours)}, **metadata)


def _archive(decided: object) -> Archive:
    assert isinstance(decided, Archive)
    return decided


def _skip(decided: object) -> Skip:
    assert isinstance(decided, Skip)
    return decided


def _marked(hours: float, store_id: str = "store-1", **status: Any) -> CustomResource:
    """An object with the mark it got in an earlier run, its status as given since then."""
    before = {"phase": "completed", "completionTime": ago(hours)}
    terms = replace(_TERMS, policy=Policy(everything=True), store_id=store_id, run_id="run-0")
    first = _archive(plan(resource(before), terms))
    patched = merge_patch(first.resource.metadata, first.mark)["metadata"]
    return resource(before | status, labels=patched["labels"], annotations=patched["annotations"])


def test_exactly_the_lead_away_is_due_and_a_nanosecond_more_is_not() -> None:
    due = _archive(plan(_done(18), _TERMS))
    assert due.cause is Cause.DUE
    assert due.deadline == NOW + 6 * HOUR
    later = _skip(plan(_done(18), replace(_TERMS, now=NOW - 1)))
    assert (later.reason, later.phase) == (Reason.NOT_YET_DUE, "completed")
    assert later.due_at == NOW


def test_at_its_deadline_it_is_overdue() -> None:
    assert _archive(plan(_done(24), _TERMS)).cause is Cause.OVERDUE
    assert _archive(plan(_done(24), replace(_TERMS, now=NOW - 1))).cause is Cause.DUE


@pytest.mark.parametrize("phase", ["Completed", " COMPLETED ", "failed", "Failed\n"])
def test_terminal_phases(phase: str) -> None:
    archive = _archive(plan(_done(20, phase), _TERMS))
    assert archive.mark.phase == phase.strip().lower()
    assert archive.record.status == phase


@pytest.mark.parametrize("phase", ["Succeeded", "routing", "", "completedx"])
def test_other_phases(phase: str) -> None:
    skip = _skip(plan(_done(100, phase), _TERMS))
    assert skip.reason is Reason.NOT_TERMINAL
    assert skip.due_at is None


@pytest.mark.parametrize("status", ["", [], 5, None])
def test_unreadable_status(status: Any) -> None:
    whole = obj() | {"status": status}
    assert _skip(plan(read(whole), _TERMS)).reason is Reason.UNREADABLE_STATUS
    whole["metadata"]["deletionTimestamp"] = ago(0)
    assert "incomplete" in _archive(plan(read(whole), _TERMS)).record.flags


def test_no_status() -> None:
    assert _skip(plan(resource(), _TERMS)).reason is Reason.NOT_TERMINAL


@pytest.mark.parametrize(
    ("expiry", "decided"), [(6 * HOUR, Cause.DUE), (6 * HOUR + 1, None), (0, Cause.OVERDUE)]
)
def test_the_parents_word_is_the_deadline(expiry: int, decided: Cause | None) -> None:
    known = Surroundings(owners={"parent": NOW + expiry, "other": NOW})
    owners = [_owner("other", controller=False), _owner()]
    plan_of = plan(_done(20, ownerReferences=owners), _TERMS, known)
    if decided is None:
        assert _skip(plan_of).due_at == NOW + expiry - 6 * HOUR
    else:
        assert _archive(plan_of).cause is decided
        assert _archive(plan_of).deadline == NOW + expiry


def test_a_parent_without_a_word_leaves_the_retention() -> None:
    known = Surroundings(owners={"parent": None})
    child = _done(20, ownerReferences=[_owner()])
    assert _archive(plan(child, _TERMS, known)).deadline == NOW + 4 * HOUR


_LISTED = {_KIND: NOW}
_BORN = gotime.parse_time(ago(24))


@pytest.mark.parametrize(
    ("owners", "known", "gone"),
    [
        ([_owner()], Surroundings(owner_kinds=_LISTED), True),
        ([_owner()], Surroundings({"parent": None}, _LISTED), False),
        ([_owner("a"), _owner("b")], Surroundings({"b": None}, _LISTED), False),
        ([_owner("a"), _owner("b")], Surroundings(owner_kinds=_LISTED), True),
        # A kind that may not be read is never gone.
        ([_owner()], NOTHING_KNOWN, False),
        ([_owner(kind="Workflow")], Surroundings(owner_kinds=_LISTED), False),
        # An object younger than the list of owners: its owner may be, too.
        ([_owner()], Surroundings(owner_kinds={_KIND: _BORN}), False),
        ([_owner()], Surroundings(owner_kinds={_KIND: _BORN + 1}), True),
        # Nobody's child.
        ([], Surroundings(owner_kinds=_LISTED), False),
        (None, Surroundings(owner_kinds=_LISTED), False),
    ],
)
def test_owner_gone(owners: Any, known: Surroundings, *, gone: bool) -> None:
    decided = plan(_done(1, ownerReferences=owners), _TERMS, known)
    if gone:
        assert _archive(decided).cause is Cause.OWNER_GONE
    else:
        assert _skip(decided).reason is Reason.NOT_YET_DUE


def test_namespace_terminating() -> None:
    known = Surroundings(terminating_namespaces=frozenset({"kubernaut-system"}))
    assert _archive(plan(_done(1), _TERMS, known)).cause is Cause.NAMESPACE_TERMINATING
    assert isinstance(plan(_done(1, namespace="other"), _TERMS, known), Skip)
    unfinished = resource({"phase": "routing"})
    assert _skip(plan(unfinished, _TERMS, known)).reason is Reason.NOT_TERMINAL


def test_being_deleted_is_the_most_urgent() -> None:
    known = Surroundings(owner_kinds=_LISTED)
    child = _done(1, ownerReferences=[_owner()], deletionTimestamp=ago(0))
    archive = _archive(plan(child, _TERMS, known))
    assert archive.cause is Cause.DELETING
    assert "incomplete" not in archive.record.flags
    assert archive.record.deleted_at == _TERMS.at


def test_deleted_before_it_ended_is_archived_as_incomplete() -> None:
    archive = _archive(plan(resource({"phase": "Routing"}, deletionTimestamp=ago(0)), _TERMS))
    assert archive.record.flags[0] == "incomplete"
    assert archive.mark.phase == "routing"
    assert "incomplete" in archive.record.flags


def test_a_phase_of_any_length_makes_no_mark_of_any_length() -> None:
    deleting = resource({"phase": "x" * 500_000}, deletionTimestamp=ago(0))
    assert _archive(plan(deleting, _TERMS)).mark.phase == "x" * 64


def test_an_empty_deletion_time_is_none() -> None:
    assert isinstance(plan(_done(1, deletionTimestamp=""), _TERMS), Skip)


@pytest.mark.parametrize("hours", [1, 20])
def test_marked_by_this_store(hours: int) -> None:
    archive = _archive(plan(_marked(hours), _TERMS))
    assert archive.cause is Cause.MARKED
    assert archive.marked


@pytest.mark.parametrize(("hours", "cause"), [(1, Cause.CHANGED), (20, Cause.DUE)])
def test_changed_after_the_mark(hours: int, cause: Cause) -> None:
    archive = _archive(plan(_marked(hours, message="more"), _TERMS))
    assert archive.cause is cause
    assert not archive.marked


def test_the_mark_of_another_store_counts_for_nothing() -> None:
    assert _skip(plan(_marked(1, "store-2"), _TERMS)).reason is Reason.NOT_YET_DUE
    assert _archive(plan(_marked(20, "store-2"), _TERMS)).cause is Cause.DUE


def test_completion_in_the_future() -> None:
    skewed = {"phase": "completed", "completionTime": gotime.format_time(NOW + SKEW_TOLERANCE + 1)}
    archive = _archive(plan(resource(skewed), _TERMS))
    assert archive.cause is Cause.IN_THE_FUTURE
    assert archive.record.flags[0] == "completed-in-future"
    tolerated = skewed | {"completionTime": gotime.format_time(NOW + SKEW_TOLERANCE)}
    assert isinstance(plan(resource(tolerated), _TERMS), Skip)


def test_backfill_takes_everything_terminal() -> None:
    terms = replace(_TERMS, policy=Policy(everything=True))
    assert _archive(plan(_done(0.1), terms)).cause is Cause.BACKFILL
    assert isinstance(plan(_done(100, "routing"), terms), Skip)


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        (20, None, True),
        (19.99, None, False),
        (None, 20, False),
        (None, 19.99, True),
        (21, 19, True),
    ],
)
def test_since_and_until(since: float | None, until: float | None, *, wanted: bool) -> None:
    policy = Policy(
        everything=True,
        since=None if since is None else gotime.parse_time(ago(since)),
        until=None if until is None else gotime.parse_time(ago(until)),
    )
    decided = plan(_done(20), replace(_TERMS, policy=policy))
    if wanted:
        assert _archive(decided).cause is Cause.BACKFILL
    else:
        assert _skip(decided).reason is Reason.FILTERED


def test_everything_is_due_whatever_its_deadline() -> None:
    assert Policy(everything=True).is_due(NOW + 1000 * HOUR, NOW)


def test_a_birth_in_the_future() -> None:
    born = gotime.format_time(NOW + 24 * HOUR)
    assert isinstance(plan(_done(20, creationTimestamp=born), _TERMS), Archive)
    born = gotime.format_time(NOW + 24 * HOUR + SECOND)
    decided = plan(_done(20, creationTimestamp=born), _TERMS)
    assert isinstance(decided, Quarantine)
    assert decided.reason == "creation-time-out-of-range"
    assert "rp-1" in decided.message


def test_bytes_without_a_canonical_form_are_quarantined() -> None:
    deep: Any = 1
    for _ in range(600):
        deep = [deep]
    status = {"phase": "completed", "completionTime": ago(20)}
    decided = plan(resource(status, {"deep": deep}), _TERMS)
    assert isinstance(decided, Quarantine)
    assert decided.reason == "too-deep"
    # Not due yet, it is nobody's business yet.
    early = status | {"completionTime": ago(1)}
    assert isinstance(plan(resource(early, {"deep": deep}), _TERMS), Skip)


def test_the_mark_names_what_was_judged() -> None:
    archive = _archive(plan(_done(20), _TERMS))
    mark = archive.mark
    assert mark.digest == archive.digest == archive.record.content_sha256
    assert (mark.uid, mark.store_id, mark.run_id) == (archive.resource.key.uid, "store-1", "run-1")
    assert mark.archived_at == _TERMS.at


def _compact(resource: CustomResource, *, spec: bytes = b"{}") -> CustomResource:
    """The same as the API server writes it: keys sorted, no spaces."""
    raw = json.dumps(json.loads(resource.raw), sort_keys=True, separators=(",", ":")).encode()
    return parse(raw.replace(b'"spec":{}', b'"spec":' + spec), position="")


def test_a_mark_that_the_bytes_have_is_believed_until_the_store_is_asked() -> None:
    compact = _compact(_marked(20))
    decided = plan(compact, _TERMS)
    assert isinstance(decided, Marked)
    archive = _archive(decided.decide())
    assert (archive.cause, archive.digest) == (Cause.MARKED, decided.digest)
    # Nothing but the way to it differs from bytes that hashing says nothing of.
    assert archive.record == _archive(plan(_marked(20), _TERMS)).record


@pytest.mark.parametrize("spec", [b'{"a":1, "b":2}', b'{"a":1,"a":2}'])
def test_a_forged_mark_of_bytes_that_are_no_evidence(spec: bytes) -> None:
    resource = _compact(_marked(20), spec=spec)
    forged = hashlib.sha256(_content(resource, *(_take_apart(resource) or ({}, {})))).hexdigest()
    annotations = (resource.metadata.annotations or {}) | {DIGEST: forged}
    raw = resource.raw.replace(
        json.dumps(resource.metadata.annotations, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(annotations, sort_keys=True, separators=(",", ":")).encode(),
    )
    decided = plan(parse(raw, position=""), _TERMS)
    assert isinstance(decided, Marked)
    proved = decided.decide()
    if isinstance(proved, Quarantine):
        assert (spec, proved.reason) == (b'{"a":1,"a":2}', "duplicate-key")
    else:
        assert (spec, proved.cause) == (b'{"a":1, "b":2}', Cause.DUE)
        assert proved.digest != forged


def test_a_number_that_nobody_can_read_is_refused_where_the_completion_time_is_looked_for() -> None:
    completed = resource({"phase": "completed"})
    decided = plan(_compact(completed, spec=b'{"a":1e400}'), _TERMS)
    assert isinstance(decided, Quarantine)
    assert decided.reason == "number-out-of-range"
