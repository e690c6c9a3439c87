"""The rule for revisions, the leaf of a row, and patience."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from archiver.db.leaf import leaf
from archiver.db.newest import Newest
from archiver.db.patience import Patience
from archiver.db.revisions import Verdict, next_revision
from archiver.db.rows import Envelope, row_of
from archiver.errors import Configuration, Unavailable
from tests.fakes.records import CLUSTER, record

ENVELOPE = Envelope(uuid4(), UUID(CLUSTER), "run-1", datetime.now(UTC))


def newest(body: str, resource_version: int, revision: int = 3) -> Newest:
    return Newest(revision, record(body=body).content_sha256, resource_version, uuid4())


@pytest.mark.parametrize(
    ("stored", "reread", "verdict"),
    [
        (None, False, 0),
        (None, True, 0),
        (newest("A", 100), False, Verdict.SAME),
        (newest("A", 999), False, Verdict.SAME),
        (newest("A", 1), True, Verdict.SAME),
        (newest("B", 99), False, 4),
        (newest("B", 100), False, Verdict.UNORDERED),
        (newest("B", 101), False, Verdict.STALE),
        (newest("B", 101), True, 4),
    ],
)
def test_which_evidence_makes_which_revision(
    stored: Newest | None, reread: bool, verdict: int | Verdict
) -> None:
    assert next_revision(record(body="A"), stored, reread=reread) == verdict


def test_a_record_without_a_resource_version_says_nothing_of_the_order() -> None:
    nameless = record(body="A", resource_version=0)
    assert next_revision(nameless, newest("B", 101), reread=False) is Verdict.UNORDERED
    assert next_revision(nameless, newest("B", 0), reread=False) is Verdict.UNORDERED
    assert next_revision(nameless, newest("B", 101), reread=True) == 4


def values(**changes: Any) -> dict[str, Any]:
    return {**row_of(record(), 0, ENVELOPE).values, **changes}


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(numbers)
def test_a_number_counts_by_its_value(number: float) -> None:
    exact = Decimal(repr(number))
    in_full = f"{exact:f}"
    forms = [exact, Decimal(in_full), Decimal(in_full + ("0" if "." in in_full else ".0"))]
    assert len({leaf(values(confidence=form)) for form in forms}) == 1


@given(numbers)
def test_in_json_it_counts_as_jsonb_gives_it_back(number: float) -> None:
    written_in_full = json.loads(f"{Decimal(repr(number)):f}")
    assert leaf(values(processing_phases=[number])) == leaf(
        values(processing_phases=[written_in_full])
    )


@given(st.integers(-(2**63), 2**63 - 2))
def test_an_integer_counts_to_its_last_digit(number: int) -> None:
    assert leaf(values(generation=number)) != leaf(values(generation=number + 1))
    assert leaf(values(processing_phases=number)) != leaf(values(processing_phases=number + 1))


def test_a_leaf_tells_types_apart() -> None:
    forms: list[Any] = [1, "1", True, None, [1], ["1"], {"1": 1}, "True"]
    assert len({leaf(values(processing_phases=form)) for form in forms}) == len(forms)
    assert leaf(values(processing_phases=1)) == leaf(values(processing_phases=1.0))


def test_a_time_counts_as_utc() -> None:
    at = datetime(2024, 1, 1, 12, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=9)))
    assert leaf(values(completed_at=at)) == leaf(values(completed_at=elsewhere))


def test_a_leaf_is_the_same_for_ever() -> None:
    envelope = Envelope(UUID(int=1), UUID(int=2), "run-1", datetime(2024, 1, 1, tzinfo=UTC))
    fixed = record(uid="uid-1", created_at=datetime(2024, 1, 1, tzinfo=UTC))
    assert leaf(row_of(fixed, 0, envelope).values).hex() == (
        "0e989a3be262208cd5c70bddb2a032b84e8ed99113f2d68779a30018a5b8354d"
    )


@pytest.mark.parametrize(
    ("content", "plain"),
    [(b'{"a":"b\\n"}', True), (b'{"a":"\\u0001"}', False), (b"[" * 5001 + b"]" * 5001, False)],
)
def test_only_what_jsonb_surely_holds_is_vouched_for(content: bytes, plain: bool) -> None:
    assert row_of(record(content=content), 0, ENVELOPE).values["vouched_plain"] is plain
    assert row_of(record(circumstances=content), 0, ENVELOPE).values["vouched_plain"] is plain


class Flaky:
    """Fails so many times."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits that pass at once, on a clock that knows of them."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("time.monotonic", lambda: sum(slept))
    return slept


def test_what_goes_well_later_is_tried_again(waits: list[float]) -> None:
    with structlog.testing.capture_logs() as logs:
        away = [Unavailable("away")] * 3
        assert Patience(30).attempt("write", Flaky(*away)) == "done"
    assert waits == [0.1, 0.2, 0.4]
    assert [entry["event"] for entry in logs] == ["store.retried"] * 3
    assert logs[0]["error"] == "away"


def test_patience_has_an_end(waits: list[float]) -> None:
    with pytest.raises(Unavailable):
        Patience(30).attempt("write", Flaky(*[Unavailable("away")] * 1000))
    assert 25 < sum(waits) <= 30
    assert max(waits) == 5.0


def test_nothing_is_tried_again_once_the_run_was_told_to_end(waits: list[float]) -> None:
    with pytest.raises(Unavailable):
        Patience(30, lambda: len(waits) == 2).attempt("write", Flaky(*[Unavailable("away")] * 9))
    assert waits == [0.1, 0.2]


def test_what_does_not_mend_is_not_tried_again(waits: list[float]) -> None:
    with pytest.raises(Configuration):
        Patience(30).attempt("write", Flaky(Configuration("no")))
    assert waits == []
