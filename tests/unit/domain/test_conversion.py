"""Every shape's fields become the same columns; what cannot be trusted is None with a flag."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.domain import gotime
from archiver.domain.completion import completion_of, has_unreadable_status
from archiver.domain.conversion import convert
from archiver.domain.custom_resource import parse
from archiver.domain.evidence import evidence
from tests.resources import Shape, as_stored, draw, written
from tests.unit.domain.objects import CREATED, obj, read, record_of, resource

_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_AT = "2026-03-01T10:00:00Z"
_ZERO = "0001-01-01T00:00:00Z"


def _stored(shape: Shape, *, phase: str = "completed", older: bool = False) -> dict[str, Any]:
    incident = draw(5, now=_NOW, completed_ago=timedelta(hours=20), phase=phase, context_bytes=3000)
    incident = replace(incident, older=older, degraded=False, failed_in="classifying")
    created = gotime.format_time(incident.timeline.created)
    return as_stored(written(incident, shape), creation_timestamp=created)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("shape", ["A", "B", "C"])
def test_what_all_shapes_have(shape: Shape, *, older: bool) -> None:
    incident = draw(5, now=_NOW, completed_ago=timedelta(hours=20))
    whole = _stored(shape, older=older)
    record = record_of(whole)
    assert record.remediation_id == incident.parent.name
    assert record.alert_fingerprint in {incident.fingerprint, incident.free_fingerprint}
    assert abs(record.completed_at - (_NOW - timedelta(hours=20))) < timedelta(seconds=1)
    assert record.status == whole["status"]["phase"]
    assert record.context_size_bytes == 3000
    assert record.error_message is None
    assert record.enrichment_sources
    assert record.resource_version == 1
    assert record.generation == 1
    phases = record.processing_phases
    assert [phase["phase"] for phase in phases] == ["enriching", "classifying", "routing"]
    assert phases[0]["enrichmentResults"]["contextSources"] == len(record.enrichment_sources)
    assert phases[0]["enrichmentResults"]["contextSizeBytes"] == 3000
    assert phases[1]["classificationResults"]["environment"] == record.environment
    assert phases[2]["routingResults"]["routedToService"] == record.routed_to_service
    assert not [flag for flag in record.flags if not flag.startswith("missing:")]
    assert json.loads(record.content)["status"] == whole["status"]


def test_shape_a() -> None:
    whole = _stored("A")
    status, record = whole["status"], record_of(whole)
    results, classified = status["enrichmentResults"], status["environmentClassification"]
    assert record.flags == ()
    assert record.enrichment_quality == results["enrichmentQuality"]
    assert record.enrichment_sources == whole["spec"]["enrichmentConfig"]["contextSources"]
    assert record.environment == classified["environment"]
    assert record.confidence == classified["confidence"]
    assert record.business_priority == classified["businessPriority"]
    assert record.sla_requirement == classified["slaRequirement"]
    assert record.routed_to_service == status["routingDecision"]["nextService"]
    assert record.routing_priority == status["routingDecision"]["priority"]
    enriching, classifying, routing = record.processing_phases
    assert enriching["end_time"] == results["completedAt"]
    assert enriching["durationNs"] == gotime.parse_duration(results["duration"])
    assert enriching["duration"] == gotime.iso8601(enriching["durationNs"])
    assert classifying["start_time"] == status["classificationStartTime"]
    assert routing["routingResults"]["routingKey"] == status["routingDecision"]["routingKey"]
    assert (routing["start_time"], routing["duration"], routing["durationNs"]) == (None,) * 3


def test_shape_b() -> None:
    whole = _stored("B")
    record = record_of(whole)
    config = whole["spec"]["enrichmentConfig"]
    assert record.environment == whole["spec"]["environment"]
    assert record.business_priority == whole["spec"]["priority"]
    assert record.enrichment_sources == [name for name in config if config[name]]
    assert record.processing_phases[0]["start_time"] == whole["status"]["startTime"]
    assert record.processing_phases[0]["end_time"] is None
    assert "missing:confidence" in record.flags


def test_shape_c() -> None:
    whole = _stored("C")
    status, record = whole["status"], record_of(whole)
    classified = status["environmentClassification"]
    assert record.environment == classified["environment"]
    assert record.business_priority == status["priorityAssignment"]["priority"]
    assert record.sla_requirement == status["businessClassification"]["slaRequirement"]
    classifying = record.processing_phases[1]
    assert classifying["end_time"] == classified["classifiedAt"]
    assert classifying["classificationResults"]["classificationMethod"] == classified["source"]


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("shape", ["A", "C"])
def test_a_failure_has_its_message(shape: Shape, *, older: bool) -> None:
    incident = draw(5, now=_NOW, phase="failed")
    record = record_of(_stored(shape, phase="failed", older=older))
    assert record.error_message == incident.failure


def test_shape_b_has_no_place_for_one() -> None:
    record = record_of(_stored("B", phase="failed"))
    assert record.error_message is None
    assert "missing:error_message" in record.flags


def _flags(status: Any, spec: Any = None, **metadata: Any) -> list[str]:
    flags = record_of(obj(status, spec, **metadata)).flags
    return [flag for flag in flags if not flag.startswith("missing:")]


def _failed(status: str, message: str) -> dict[str, Any]:
    return {"type": "Failed", "status": status, "message": message}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"error": "e", "message": "m"}, "e"),
        ({"message": "m"}, "m"),
        ({"failureInfo": {"error": "f"}, "error": "e"}, "f"),
        ({"conditions": [{"type": "Failed", "message": "c"}], "error": "e"}, "c"),
        ({"conditions": [_failed("True", "c")], "error": "e"}, "c"),
        ({"conditions": [_failed("False", "not yet")], "error": "e"}, "e"),
        ({"conditions": [_failed("Unknown", "not yet")]}, None),
        ({"conditions": [_failed("False", "once"), _failed("True", "c")]}, "c"),
        ({}, None),
    ],
)
def test_error_message(status: dict[str, Any], message: str | None) -> None:
    record = record_of(obj({"phase": " FAILED "} | status))
    assert record.error_message == message
    assert ("missing:error_message" in record.flags) is (message is None)


def test_a_degraded_context_says_so() -> None:
    record = record_of(obj({"phase": "x", "kubernetesContext": {"degradedMode": True}}))
    assert record.processing_phases[0]["enrichmentResults"]["degradedMode"] is True


@pytest.mark.parametrize(
    ("status", "at", "flags"),
    [
        ({"completionTime": _AT, "completedAt": CREATED}, _AT, ()),
        ({"completedAt": _AT}, _AT, ()),
        ({"completionTime": "", "completedAt": _AT}, _AT, ()),
        ({"completionTime": None, "completedAt": _AT}, _AT, ()),
        (
            {"completionTime": "now", "completedAt": _AT},
            _AT,
            ("not-a-time:completed_at", "completed-at-from:completedAt"),
        ),
        (
            {"classificationEndTime": _AT, "enrichmentResults": {"completedAt": CREATED}},
            _AT,
            ("missing:completed_at", "completed-at-from:phase-end"),
        ),
        (
            {
                "completionTime": None,
                "conditions": [
                    {"lastTransitionTime": CREATED},
                    {"lastTransitionTime": _AT},
                    {"lastTransitionTime": "infinity"},
                    "text",
                ],
            },
            _AT,
            ("missing:completed_at", "completed-at-from:condition"),
        ),
        ({"conditions": {}}, CREATED, ("missing:completed_at", "completed-at-from:creation")),
        (
            {"completionTime": _ZERO, "completedAt": _AT},
            _AT,
            ("zero-time:completed_at", "completed-at-from:completedAt"),
        ),
        (
            {"completedAt": "0001-01-01T01:00:00.000+01:00", "classificationEndTime": _AT},
            _AT,
            ("zero-time:completed_at", "missing:completed_at", "completed-at-from:phase-end"),
        ),
        (
            {"completionTime": 1704067200, "completedAt": "2024-01-01 00:00:00"},
            CREATED,
            ("not-a-time:completed_at", "missing:completed_at", "completed-at-from:creation"),
        ),
    ],
)
def test_completion(status: dict[str, Any], at: str, flags: tuple[str, ...]) -> None:
    completion = completion_of(resource({"phase": "completed"} | status))
    assert gotime.format_time(completion.at) == at
    assert completion.flags == flags


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        _ZERO,
        "0001-01-01T00:00:00.000000001Z",
        "0001-01-01T23:59:59Z",
        "9999-12-31T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T23:59:60Z",
        "2026-03-01T00:00:00+24:00",
        "2026-03-01 00:00:00",
    ],
)
def test_what_is_no_time_is_never_the_completion(text: str) -> None:
    assert completion_of(resource({"completionTime": text})).at == gotime.parse_time(CREATED)


def test_a_zero_time_leaves_its_place_to_the_next() -> None:
    at_another = {"environmentClassification": {"classifiedAt": _AT}}
    record = record_of(obj({"completionTime": _AT, "classificationEndTime": _ZERO} | at_another))
    assert record.processing_phases[1]["end_time"] == _AT
    assert "zero-time:classifying.end_time" in record.flags


_ENDS = st.one_of(
    st.datetimes(max_value=datetime(1, 1, 4)),  # noqa: DTZ001 - the property test gives it a zone
    st.datetimes(min_value=datetime(9999, 12, 28)),  # noqa: DTZ001 - the same
    st.datetimes(),
)
_MINUTES = st.integers(-959, 959)


@given(_ENDS, _MINUTES, _MINUTES)
@example(datetime.min, 0, -300)  # noqa: DTZ901 - the same
@example(datetime.max, 0, 540)  # noqa: DTZ901 - the same
def test_a_time_that_is_stored_can_be_read_in_every_zone(
    moment: datetime, written: int, read: int
) -> None:
    sign = "-" if written < 0 else "+"
    offset = f"{sign}{abs(written) // 60:02}:{abs(written) % 60:02}"
    said = f"{moment.isoformat()}{offset}"
    status = {"phase": "completed", "completedAt": said}
    record = record_of(obj(status, deletionTimestamp=said))
    zone = timezone(timedelta(minutes=read))
    assert record.completed_at.astimezone(zone) == record.completed_at
    assert record.deleted_at is None or record.deleted_at.astimezone(zone) == record.deleted_at
    assert json.dumps(said).encode() in record.content


def test_nanoseconds_are_kept_in_text_and_floored_in_columns() -> None:
    at = "2026-03-01T10:00:00.123456789Z"
    record = record_of(obj({"completionTime": at, "classificationEndTime": at}))
    assert record.completed_at.microsecond == 123456
    assert record.processing_phases[1]["end_time"] == at


@pytest.mark.parametrize(
    ("duration", "ns", "text"),
    [
        ("1.5s", 1_500_000_000, "PT1.5S"),
        ("1.s", 1_000_000_000, "PT1S"),
        ("-1h30m", -5_400_000_000_000, "PT-5400S"),
        ("100ns", 100, "PT0S"),
        ("1h0m0.000000001s", 3_600_000_000_001, "PT3600S"),
    ],
)
def test_durations(duration: str, ns: int, text: str) -> None:
    span = record_of(obj({"classificationDuration": duration})).processing_phases[1]
    assert (span["durationNs"], span["duration"]) == (ns, text)


@pytest.mark.parametrize("text", ["5", "5M", "3d", "1 year", "1:30", "1s ago", "PT5M", "1e3s"])
def test_what_is_no_duration_is_not_reckoned_either(text: str) -> None:
    times = {"classificationStartTime": CREATED, "classificationEndTime": _AT}
    whole = obj(times | {"classificationDuration": text})
    record = record_of(whole)
    assert record.processing_phases[1]["duration"] is None
    assert "not-a-duration:classifying.duration" in record.flags


def test_a_missing_duration_is_reckoned_from_both_ends() -> None:
    times = {"classificationStartTime": CREATED, "classificationEndTime": _AT}
    assert record_of(obj(times)).processing_phases[1]["duration"] == "PT79200S"


@pytest.mark.parametrize("said", [{}, {"classificationDuration": "3s"}], ids=["none", "3s"])
def test_an_end_before_its_start(said: dict[str, str]) -> None:
    status = {"classificationStartTime": _AT, "classificationEndTime": CREATED} | said
    record = record_of(obj(status))
    span = record.processing_phases[1]
    assert (span["duration"], span["durationNs"]) == (None, None)
    assert "end-before-start:classifying" in record.flags


@pytest.mark.parametrize(
    ("completed", "flagged"),
    [
        ("2026-03-01T09:59:59.9Z", True),
        # A time of whole seconds is not before one within that second.
        ("2026-03-01T10:00:00Z", False),
    ],
)
def test_completed_before_it_started(completed: str, *, flagged: bool) -> None:
    status = {"startTime": "2026-03-01T10:00:00.5Z", "completedAt": completed, "contextData": {}}
    record = record_of(obj(status))
    assert ("completed-before-start" in record.flags) is flagged
    assert record.processing_phases[0]["duration"] is None


BEFORE_BIRTH = "2026-02-28T11:59:59Z"


@pytest.mark.parametrize("status", [{}, {"enrichmentResults": {}}, {"contextData": {}}])
def test_completed_before_its_birth(status: dict[str, Any]) -> None:
    record = record_of(obj(status | {"completionTime": BEFORE_BIRTH}))
    assert "completed-before-start" in record.flags


def test_a_resource_that_was_restored_has_lived_before_its_birth() -> None:
    times = {"startTime": "2026-02-28T11:00:00Z", "completedAt": BEFORE_BIRTH}
    assert "completed-before-start" not in record_of(obj(times)).flags


def test_what_ran_after_its_own_completion_has_no_duration() -> None:
    enriched = {"completedAt": _AT, "duration": "3s"}
    lasted = {"completionTime": _AT, "enrichmentResults": enriched}
    assert record_of(obj(lasted)).processing_phases[0]["duration"] == "PT3S"
    broken = record_of(obj(lasted | {"completionTime": BEFORE_BIRTH})).processing_phases[0]
    assert (broken["duration"], broken["durationNs"]) == (None, None)
    assert (broken["start_time"], broken["end_time"]) == (CREATED, _AT)


@pytest.mark.parametrize(
    ("status", "spec", "metadata", "flag"),
    [
        ({}, {"signal": {"fingerprint": "a" * 1025}}, {}, "too-long:alert_fingerprint"),
        ({}, {"signalFingerprint": 5}, {}, "not-text:alert_fingerprint"),
        ({}, {"environment": "e" * 257}, {}, "too-long:environment"),
        ({"environmentClassification": {"confidence": 1.1}}, {}, {}, "out-of-range:confidence"),
        ({"environmentClassification": {"confidence": "1"}}, {}, {}, "not-a-number:confidence"),
        ({"routingDecision": {"priority": 2**31}}, {}, {}, "out-of-range:routing_priority"),
        ({"degradedMode": "yes"}, {}, {}, "not-a-boolean:degraded_mode"),
        ({"phase": ["completed"]}, {}, {}, "not-text:status"),
        ({}, {"enrichmentConfig": []}, {}, "not-an-object:enrichment_sources"),
        ({}, {"enrichmentConfig": {"contextSources": 3}}, {}, "not-a-list:enrichment_sources"),
        ({}, {}, {"generation": 2**63}, "out-of-range:generation"),
        ({}, {}, {"generation": -(2**63)}, "out-of-range:generation"),
        ({}, {}, {"resourceVersion": "abc"}, "opaque:resource_version"),
        ({}, {}, {"resourceVersion": "²"}, "opaque:resource_version"),
        ({}, {}, {"resourceVersion": str(2**63)}, "opaque:resource_version"),
        ({}, {}, {"resourceVersion": "0" * 30}, "opaque:resource_version"),
        ({}, {}, {"deletionTimestamp": "now"}, "not-a-time:deleted_at"),
        ({}, {}, {"deletionTimestamp": "9999-12-31T23:59:59Z"}, "not-a-time:deleted_at"),
        ({}, {}, {"deletionTimestamp": _ZERO}, "zero-time:deleted_at"),
        ({"startTime": _ZERO}, {}, {}, "zero-time:enriching.start_time"),
        ({"message": "a\0"}, {}, {}, "lossy"),
        ({"message": "\ud800"}, {}, {}, "lossy"),
        ({}, {"\0": 1}, {}, "lossy"),
        ({}, {}, {"labels": {"a": "\ud800"}}, "lossy"),
    ],
)
def test_flags(status: Any, spec: Any, metadata: dict[str, Any], flag: str) -> None:
    assert _flags({"completionTime": _AT} | status, spec, **metadata) == [flag]


@pytest.mark.parametrize(
    ("number", "is_lossy"),
    [("1e-16384", True), ("0E-99999", True), ("1e-300", False), ("1.10", False), ("0e5", False)],
)
@pytest.mark.parametrize("beside", ["", "metadata"])
def test_number_that_numeric_cannot_hold_is_lossy(number: str, is_lossy: bool, beside: str) -> None:
    whole = obj({"completionTime": _AT}, {"text": "1e-16384"})
    (whole[beside] if beside else whole["spec"])["odd"] = "ODD"
    raw = json.dumps(whole).replace('"ODD"', number).encode()
    parsed = parse(raw, position="p")
    record = convert(parsed, evidence(parsed), completion_of(parsed))
    assert ("lossy" in record.flags) is is_lossy


def test_what_is_flagged_is_null() -> None:
    spec = {"signal": {"fingerprint": "a\0"}, "environment": 5}
    record = record_of(obj({"x": 1}, spec, generation=2**64, resourceVersion=...))
    assert (record.alert_fingerprint, record.environment) == (None, None)
    assert (record.generation, record.resource_version) == (0, 0)
    assert {
        "missing:resource_version",
        "unstorable-text:alert_fingerprint",
        "not-text:environment",
        "out-of-range:generation",
        "lossy",
    } <= set(record.flags)
    assert json.loads(record.content)["spec"] == spec


def test_the_largest_versions_are_kept() -> None:
    record = record_of(obj({}, generation=2**63 - 1, resourceVersion=str(2**63 - 1)))
    assert record.generation == record.resource_version == 2**63 - 1


@pytest.mark.parametrize(
    ("spec", "fingerprint"),
    [
        ({"alert": {"fingerprint": "mem-pressure-prod-123"}}, "mem-pressure-prod-123"),
        ({"signalFingerprint": "'; -- %s {}"}, "'; -- %s {}"),
        ({"signalFingerprint": "e\u0301"}, "e\u0301"),
    ],
)
def test_fingerprints_are_taken_as_they_are(spec: Any, fingerprint: str) -> None:
    assert record_of(obj({}, spec)).alert_fingerprint == fingerprint


def test_notes_come_first_and_a_deletion_is_kept() -> None:
    parsed = resource({"x": 1}, deletionTimestamp=_AT)
    record = convert(parsed, evidence(parsed), completion_of(parsed), ["incomplete"])
    assert record.flags[0] == "incomplete"
    assert record.deleted_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert len(set(record.flags)) == len(record.flags)


@pytest.mark.parametrize("status", ["", [], 5, "completed", {}])
def test_unreadable_status(status: Any) -> None:
    assert has_unreadable_status(resource(status)) is (status != {})
    whole = record_of(obj(status) | {"status": status})
    assert whole.status is None
    assert whole.context_size_bytes is None


@pytest.mark.parametrize("phase", [5, True, ["completed"], {"name": "completed"}])
def test_phase_that_is_no_text_is_unreadable(phase: Any) -> None:
    assert has_unreadable_status(resource({"phase": phase}))


@pytest.mark.parametrize("status", [{"phase": "odd"}, {"phase": ""}, {"phase": None}, {}])
def test_phase_that_is_text_or_none_is_readable(status: Any) -> None:
    assert not has_unreadable_status(resource(status))


def test_status_null_is_unreadable_and_none_is_not() -> None:
    assert has_unreadable_status(read(obj() | {"status": None}))
    assert not has_unreadable_status(resource())


def test_number_literals_are_kept_in_the_content() -> None:
    raw = json.dumps(obj({"environmentClassification": {"confidence": 0}}))
    raw = raw.replace('"confidence": 0', '"confidence": 1E-1')
    parsed = parse(raw.encode(), position="")
    record = convert(parsed, evidence(parsed), completion_of(parsed))
    assert record.confidence == Decimal("0.1")
    assert b"1E-1" in record.content


LITERALS = {
    "0.8765432109876543210987": ("0.8765432109876543210987", ()),
    "0.50": ("0.50", ()),
    "1": ("1", ()),
    "0e99999": ("0", ()),
    "1e-16383": ("1e-16383", ()),
    "1e-16384": (None, ("out-of-range:confidence",)),
    "1e-99999999999999999999": (None, ("out-of-range:confidence",)),
    "1.0000000000000001": (None, ("out-of-range:confidence",)),
    "-1e-400": (None, ("out-of-range:confidence",)),
}


@pytest.mark.parametrize("literal", LITERALS)
def test_a_number_is_stored_as_it_was_written_or_not_at_all(literal: str) -> None:
    # Indented, as kubectl prints it; the API server itself keeps doubles.
    raw = json.dumps(obj({"environmentClassification": {"confidence": 0.25}}), indent=1)
    parsed = parse(raw.replace("0.25", literal).encode(), position="")
    record = convert(parsed, evidence(parsed), completion_of(parsed))
    number, flags = LITERALS[literal]
    assert str(record.confidence) == str(None if number is None else Decimal(number))
    assert tuple(flag for flag in record.flags if flag.startswith("out-of")) == flags
    (results,) = [p["classificationResults"] for p in record.processing_phases[1:2]]
    assert results["confidence"] == (None if number is None else float(literal))


@pytest.mark.parametrize("first", ["null", '""', None])
def test_it_is_the_number_of_the_place_that_is_read(first: str | None) -> None:
    results = "{}" if first is None else f'{{"enrichmentQuality": {first}}}'
    raw = json.dumps(obj({"enrichmentResults": 0, "enrichmentQuality": 1}))
    raw = raw.replace('"enrichmentResults": 0', f'"enrichmentResults": {results}')
    raw = raw.replace('"enrichmentQuality": 1', '"enrichmentQuality": 0.1234567890123456789')
    parsed = parse(raw.encode(), position="")
    record = convert(parsed, evidence(parsed), completion_of(parsed))
    assert record.enrichment_quality == Decimal("0.1234567890123456789")


def test_a_place_within_what_is_no_object_is_none() -> None:
    raw = json.dumps(obj({"enrichmentResults": [], "enrichmentQuality": 0.25}), indent=1)
    parsed = parse(raw.replace("0.25", "0.250").encode(), position="")
    record = convert(parsed, evidence(parsed), completion_of(parsed))
    assert str(record.enrichment_quality) == "0.250"


def test_a_span_that_no_go_duration_can_hold_is_flagged_and_null() -> None:
    status = {
        "phase": "completed",
        "completionTime": "2026-01-01T00:00:00Z",
        "enrichmentResults": {"completedAt": "9999-12-30T23:59:59Z"},
    }
    record = record_of(obj(status))
    assert record.processing_phases[0]["durationNs"] is None
    assert record.processing_phases[0]["duration"] is None
    assert "out-of-range:enriching.duration" in record.flags
