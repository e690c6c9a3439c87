"""The report adds up, and its exit code says what to do."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from archiver.domain.report import Effect, Outcome, Problem, RunReport, beside_name
from archiver.domain.shard import Shard
from archiver.errors import ArchiverError, Configuration, Integrity, Interrupted, Unavailable

_PROBLEM = Problem("ns/rp (uid u)", "u", "too-deep", "nested")


def _report(outcomes: dict[Outcome, int] | None = None, **more: Any) -> RunReport:
    return RunReport(
        run_id="r",
        mode="run",
        cluster_id="c",
        store_id="s",
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        seconds=1.23456,
        outcomes=Counter(outcomes or {}),
        effects=Counter({Effect.INSERTED: 2}),
        **more,
    )


def test_found_is_the_sum_of_the_others() -> None:
    report = _report({outcome: 2**n for n, outcome in enumerate(Outcome)})
    counts = report.as_dict()["counts"]
    assert list(counts) == [
        "found",
        "archived",
        "already",
        "notDue",
        "deferred",
        "quarantined",
        "gone",
    ]
    assert report.found == counts.pop("found") == sum(counts.values()) == 63


def test_what_is_left_to_other_shards_is_not_found() -> None:
    sharded = _report({Outcome.ARCHIVED: 3}, shard=Shard(1, 4), other_shards=9)
    document = sharded.as_dict()
    assert (document["counts"]["found"], document["otherShards"]) == (3, 9)
    assert document["shard"] == "1/4"
    assert (_report().as_dict()["shard"], _report().as_dict()["otherShards"]) == (None, 0)


def test_what_was_passed_over_is_counted_beside_the_counts() -> None:
    document = _report(ignored=Counter({"Pod": 2, "Proc.g.io": 1})).as_dict()
    assert (document["counts"]["found"], document["ignored"]) == (0, 3)
    assert document["ignoredKinds"] == {"Pod": 2, "Proc.g.io": 1}


def test_unreadable_status_is_counted_beside_the_counts() -> None:
    assert _report(unreadable_status=2).as_dict()["unreadableStatus"] == 2
    assert _report().as_dict()["unreadableStatus"] == 0


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("n/x (uid u): nested too deep", "nested too deep"),
        ("mark of n/x (uid u): 422: name: too long", "422: name: too long"),
        ("value too long", "value too long"),
        ("n/x (uid u): ", "n/x (uid u): "),
    ],
)
def test_a_message_does_not_repeat_whose_it_is(message: str, shown: str) -> None:
    assert beside_name("n/x (uid u)", message) == shown


def test_the_document() -> None:
    report = _report(problems=(_PROBLEM,), error=Interrupted("asked to stop"))
    document = json.loads(json.dumps(report.as_dict()))
    assert document["apiVersion"] == "archiver.kubernaut.io/v1"
    assert document["kind"] == "RunReport"
    assert document["startedAt"] == "2026-03-01T00:00:00Z"
    assert document["seconds"] == 1.235
    assert document["effects"]["inserted"] == 2
    assert document["effects"]["healed"] == 0
    assert document["problems"] == [
        {"object": "ns/rp (uid u)", "uid": "u", "reason": "too-deep", "message": "nested"}
    ]
    assert document["error"] == "asked to stop"
    assert document["exitCode"] == 75
    assert _report().as_dict()["error"] is None


@pytest.mark.parametrize(
    ("error", "deferred", "problems", "code"),
    [
        (None, 0, (), 0),
        (None, 0, (_PROBLEM,), 1),
        (None, 1, (), 75),
        (None, 1, (_PROBLEM,), 75),
        (Unavailable(""), 0, (_PROBLEM,), 75),
        (Configuration(""), 1, (_PROBLEM,), 78),
        (Integrity(""), 1, (_PROBLEM,), 65),
    ],
)
def test_exit_code(
    error: ArchiverError | None, deferred: int, problems: tuple[Problem, ...], code: int
) -> None:
    report = _report({Outcome.DEFERRED: deferred}, problems=problems, error=error)
    assert report.exit_code == report.as_dict()["exitCode"] == code


def test_what_can_never_be_marked_is_no_reason_to_run_again() -> None:
    refused = _report({Outcome.DEFERRED: 2}, unmarkable=2, problems=(_PROBLEM,) * 2)
    assert refused.exit_code == 1
    both = _report({Outcome.DEFERRED: 3}, unmarkable=2, problems=(_PROBLEM,) * 2)
    assert both.exit_code == 75
