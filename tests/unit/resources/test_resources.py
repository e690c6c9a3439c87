"""The generators: what the rest of the tests, the benchmarks and the demo stand on."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

import pytest

from tests.crds import BY_SHAPE, load, names
from tests.crds.validation import problems
from tests.resources import (
    PHASES,
    Object,
    Shape,
    as_created,
    as_stored,
    draw,
    population,
    remediation_processing,
    remediation_request,
    uid_of,
    written,
)
from tests.resources.text import canonical_size

NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)
CONTEXT: Final[dict[Shape, str]] = {
    "A": "enrichmentResults",
    "B": "contextData",
    "C": "kubernetesContext",
}


def completion(resource: Object) -> str | None:
    status = resource["status"]
    found: str | None = status.get("completionTime", status.get("completedAt"))
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_a_seed_gives_the_same_objects_again(shape: Shape) -> None:
    assert list(population(40, shape, NOW, 7)) == list(population(40, shape, NOW, 7))
    assert list(population(40, shape, NOW, 7)) != list(population(40, shape, NOW, 8))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_population_is_valid_under_its_definition(shape: Shape) -> None:
    crd = load(BY_SHAPE[shape])
    for resource in population(200, shape, NOW):
        assert problems(crd, resource) == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("degraded", [False, True])
def test_every_phase_is_valid_under_its_definition(shape: Shape, degraded: bool) -> None:
    crd = load(BY_SHAPE[shape])
    for phase in PHASES[shape]:
        for failed_in in ("enriching", "classifying"):
            drawn = draw(phase, now=NOW, phase=phase, completed_ago=timedelta(hours=1))
            incident = replace(drawn, degraded=degraded, failed_in=failed_in, recovery_attempt=2)
            assert problems(crd, written(incident, shape)) == []
            assert problems(crd, written(replace(incident, older=True), shape)) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_population_is_a_mix(shape: Shape) -> None:
    resources = list(population(400, shape, NOW))
    assert {r["status"]["phase"].lower() for r in resources} == {p.lower() for p in PHASES[shape]}
    assert len({(r["metadata"]["namespace"], r["metadata"]["name"]) for r in resources}) == 400
    assert any("finalizers" in r["metadata"] for r in resources)
    assert not any("ownerReferences" in r["metadata"] for r in resources)
    text = json.dumps(resources)
    assert all(word in text for word in ("P0", "P1", "P2", "staging", "prod"))


def test_only_shape_a_has_fingerprints_of_free_text() -> None:
    prints = {
        "A": {
            r["spec"][s]["fingerprint"]
            for r in population(200, "A", NOW)
            for s in r["spec"]
            if s in ("signal", "alert")
        },
        "B": {r["spec"]["signalFingerprint"] for r in population(200, "B", NOW)},
        "C": {r["spec"]["signal"]["fingerprint"] for r in population(200, "C", NOW)},
    }
    assert any("-" in text for text in prints["A"])
    assert all(len(text) == 64 for text in prints["B"] | prints["C"])
    assert len(prints["B"]) < 150, "alerts recur"


def test_the_shapes_put_the_same_facts_in_different_places() -> None:
    incident = replace(
        draw(3, now=NOW, completed_ago=timedelta(hours=20)),
        free_fingerprint="",
        older=False,
        degraded=True,
        priority="P1",
    )
    a, b, c = (written(incident, shape) for shape in SHAPES)
    assert a["spec"]["signal"]["fingerprint"] == incident.fingerprint
    assert b["spec"]["signalFingerprint"] == incident.fingerprint
    assert c["spec"]["signal"]["fingerprint"] == incident.fingerprint
    assert a["spec"]["remediationRequestRef"] == b["spec"]["remediationRequestRef"]
    assert a["status"]["environmentClassification"]["businessPriority"] == "P1"
    assert b["spec"]["priority"] == c["status"]["priorityAssignment"]["priority"] == "P1"
    assert (
        a["status"]["completionTime"] == c["status"]["completionTime"] == b["status"]["completedAt"]
    )
    assert a["spec"]["enrichmentConfig"]["contextSources"]
    assert b["spec"]["enrichmentConfig"]["enableClusterState"]
    assert a["status"]["degradedMode"]
    assert c["status"]["kubernetesContext"]["degradedMode"]
    assert set(b["status"]) == {"phase", "startTime", "contextData", "completedAt"}
    assert "routingDecision" not in c["status"]


def test_the_older_names_of_shape_a() -> None:
    resource = written(replace(draw(3, now=NOW, completed_ago=timedelta(1)), older=True), "A")
    assert {"alert", "alertRemediationRef"} <= set(resource["spec"])
    assert "completedAt" in resource["status"]
    assert "completionTime" not in resource["status"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [2_000, 8_192, 100_000])
def test_a_context_has_the_size_asked_for(shape: Shape, size: int) -> None:
    resource = remediation_processing(shape, now=NOW, context_bytes=size)
    assert canonical_size(resource["status"][CONTEXT[shape]]) == pytest.approx(size, abs=2)


@pytest.mark.parametrize("shape", SHAPES)
def test_completion_is_reckoned_from_now(shape: Shape) -> None:
    ago = timedelta(hours=18)
    assert (
        completion(remediation_processing(shape, now=NOW, completed_ago=ago))
        == "2026-01-01T06:00:00Z"
    )
    assert completion(remediation_processing(shape, now=NOW, completed_ago=None)) is None
    assert completion(remediation_processing(shape, now=NOW, phase="enriching")) is None


def test_only_shape_a_keeps_the_fraction_of_a_completion_time() -> None:
    ago = timedelta(milliseconds=500)
    assert (
        completion(remediation_processing("A", now=NOW, completed_ago=ago))
        == "2026-01-01T23:59:59.5Z"
    )
    for shape in ("B", "C"):
        later = remediation_processing(shape, now=NOW, completed_ago=ago)
        assert completion(later) == "2026-01-01T23:59:59Z"


def test_a_phase_is_spelt_as_asked() -> None:
    assert (
        remediation_processing("A", now=NOW, phase=" COMPLETED ")["status"]["phase"]
        == " COMPLETED "
    )
    assert (
        remediation_processing("C", now=NOW, phase="routing")["status"]["phase"] == "Categorizing"
    )


def test_a_failure_says_why_where_the_schema_has_room() -> None:
    drawn = draw(1, now=NOW, phase="failed", completed_ago=timedelta(hours=20))
    incident = replace(drawn, failure="no rule matched", older=False)
    assert written(incident, "A")["status"]["conditions"][0]["message"] == "no rule matched"
    assert written(incident, "C")["status"]["failureInfo"]["error"] == "no rule matched"
    assert written(replace(incident, older=True), "C")["status"]["error"] == "no rule matched"
    assert "no rule matched" not in json.dumps(written(incident, "B"))


def test_payloads_are_base64_of_the_notification() -> None:
    a = remediation_processing("A", now=NOW, name="one")
    signal = a["spec"]["signal"]
    body = json.loads(base64.b64decode(signal["payload"]))
    assert body["alerts"][0]["labels"] == signal["labels"]


def test_a_stored_parent_becomes_the_controller() -> None:
    parent = as_stored(remediation_request("rr-1", retention_expiry=NOW), resource_version=9)
    assert problems(load("remediationrequest"), parent) == []
    assert parent["status"]["retentionExpiryTime"] == "2026-01-02T00:00:00Z"
    child = remediation_processing("A", now=NOW, parent=parent)
    (owner,) = child["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (uid_of(remediation_request("rr-1")), True)
    assert child["spec"]["remediationRequestRef"]["name"] == "rr-1"


def test_a_finalizer_is_there_if_wanted() -> None:
    assert "finalizers" not in remediation_processing("A", now=NOW)["metadata"]
    assert remediation_processing("A", now=NOW, finalizer=True)["metadata"]["finalizers"]
    free = population(100, "B", NOW, finalizers=False, namespaces=["one"])
    assert {(r["metadata"]["namespace"], "finalizers" in r["metadata"]) for r in free} == {
        ("one", False)
    }


def test_as_stored_sets_what_the_server_sets() -> None:
    created = remediation_processing("B", now=NOW)
    stored = as_stored(created, resource_version=5, creation_timestamp="2026-01-01T00:00:00Z")
    assert stored["metadata"]["uid"] == as_stored(created)["metadata"]["uid"]
    assert stored["metadata"]["resourceVersion"] == "5"
    assert json.dumps(stored) == json.dumps(stored, sort_keys=True)
    assert "uid" not in created["metadata"]
    assert as_created(stored) == created


def test_as_created_names_an_owner_only_if_given_one() -> None:
    old, new = (as_stored(remediation_request(name)) for name in ("rr-old", "rr-new"))
    stored = as_stored(remediation_processing("A", now=NOW, parent=old))
    assert "ownerReferences" not in as_created(stored)["metadata"]
    (owner,) = as_created(stored, new)["metadata"]["ownerReferences"]
    assert (owner["name"], owner["uid"]) == ("rr-new", new["metadata"]["uid"])


def test_every_definition_has_a_status_subresource() -> None:
    assert set(BY_SHAPE.values()) | {"remediationrequest"} == set(names())
    for name in names():
        (version,) = load(name)["spec"]["versions"]
        assert version["subresources"] == {"status": {}}
