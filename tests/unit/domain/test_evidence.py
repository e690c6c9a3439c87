"""What is digested, what is only kept, and what is left out."""

import hashlib
import json
from typing import Any

import pytest

from archiver.domain import mark
from archiver.domain.canonical import MAX_DEPTH
from archiver.domain.custom_resource import parse
from archiver.domain.evidence import evidence, size_at
from archiver.errors import Unreadable
from tests.unit.domain.objects import CREATED, UID, obj, read, resource

_STATUS = {"phase": "completed"}


def test_evidence_is_identity_spec_and_status() -> None:
    proof = evidence(resource(_STATUS, {"b": 1, "a": "é"}, labels={"x": "y"}))
    assert json.loads(proof.content) == {
        "apiVersion": "remediationprocessing.kubernaut.io/v1",
        "kind": "RemediationProcessing",
        "metadata": {
            "creationTimestamp": CREATED,
            "name": "rp-1",
            "namespace": "kubernaut-system",
            "uid": UID,
        },
        "spec": {"a": "é", "b": 1},
        "status": _STATUS,
    }
    assert list(json.loads(proof.content)) == sorted(json.loads(proof.content))
    assert b" " not in proof.content
    assert proof.digest == hashlib.sha256(proof.content).hexdigest()
    assert json.loads(proof.circumstances) == {"generation": 1, "labels": {"x": "y"}}


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"team": "sre"}},
        {"generation": 2, "deletionTimestamp": CREATED, "deletionGracePeriodSeconds": 0},
        {"finalizers": ["foregroundDeletion"]},
        {"resourceVersion": "99"},
        {"managedFields": [{"manager": "x"}]},
    ],
)
def test_circumstances_do_not_change_the_digest(metadata: dict[str, Any]) -> None:
    assert evidence(resource(_STATUS, **metadata)).digest == evidence(resource(_STATUS)).digest


@pytest.mark.parametrize(
    "other",
    [
        obj({"phase": "failed"}),
        obj(_STATUS, {"a": 1}),
        obj(_STATUS, name="rp-2"),
        obj(_STATUS, uid="other"),
        obj(_STATUS) | {"beside": 1},
        obj(_STATUS) | {"apiVersion": "g/v2"},
    ],
)
def test_everything_else_does(other: dict[str, Any]) -> None:
    assert evidence(read(other)).digest != evidence(resource(_STATUS)).digest


def test_order_and_spaces_do_not_count() -> None:
    whole = obj(_STATUS, {"a": 1, "b": 2})
    turned = {key: whole[key] for key in reversed(whole)}
    indented = parse(json.dumps(turned, indent=2).encode(), position="")
    assert evidence(indented) == evidence(read(whole))


def test_number_literals_are_kept() -> None:
    raw = json.dumps(obj(_STATUS, {"n": 0})).encode().replace(b'"n": 0', b'"n": [1.10,1E3,-0.0]')
    assert b'{"n":[1.10,1E3,-0.0]}' in evidence(parse(raw, position="")).content


def test_our_own_keys_are_no_circumstances() -> None:
    ours = {mark.STATE_LABEL: "archived"}
    says = dict.fromkeys(
        [mark.DIGEST, mark.UID, mark.PHASE, mark.STORE, mark.RUN, mark.ARCHIVED_AT], "x"
    )
    finalizer = mark.FINALIZER
    marked = evidence(resource(_STATUS, labels=ours, annotations=says, finalizers=[finalizer]))
    assert marked == evidence(resource(_STATUS))
    mixed = resource(_STATUS, labels=ours | {"a": "b"}, finalizers=["x/y", finalizer])
    assert json.loads(evidence(mixed).circumstances) == {
        "finalizers": ["x/y"],
        "generation": 1,
        "labels": {"a": "b"},
    }


def test_keys_of_others_under_our_prefix_are_kept() -> None:
    theirs = {"archiver.kubernaut.io/ticket": "INC-1"}
    misplaced = {mark.DIGEST: "a label"}
    kept = json.loads(
        evidence(
            resource(
                _STATUS,
                labels=theirs | misplaced,
                annotations=theirs | {mark.STATE_LABEL: "an annotation"},
                finalizers=["archiver.kubernaut.io/hold"],
            )
        ).circumstances
    )
    assert kept["labels"] == theirs | misplaced
    assert kept["annotations"] == theirs | {mark.STATE_LABEL: "an annotation"}
    assert kept["finalizers"] == ["archiver.kubernaut.io/hold"]


@pytest.mark.parametrize("key", ["labels", "annotations", "finalizers", "ownerReferences"])
def test_null_is_as_absent(key: str) -> None:
    assert evidence(resource(_STATUS, **{key: None})) == evidence(resource(_STATUS))


def test_lone_surrogates_are_kept_as_escapes() -> None:
    proof = evidence(
        resource(_STATUS | {"m": "\ud800"}, labels={"\udc00": "x"}, finalizers=["\ud801"])
    )
    assert b'"m":"\\ud800"' in proof.content
    assert proof.circumstances == (
        b'{"finalizers":["\\ud801"],"generation":1,"labels":{"\\udc00":"x"}}'
    )


def test_items_of_a_list_have_its_kind() -> None:
    whole = obj(_STATUS)
    without = {key: value for key, value in whole.items() if key not in ("apiVersion", "kind")}
    item = parse(
        json.dumps(without).encode(),
        position="",
        api_version=whole["apiVersion"],
        kind=whole["kind"],
    )
    assert evidence(item) == evidence(read(whole))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (b'{"a":1,"a":2}', "duplicate-key"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "too-deep"),
        (b"1" * 400, "number-out-of-range"),
    ],
)
def test_bytes_without_a_canonical_form(spec: bytes, reason: str) -> None:
    raw = json.dumps(obj(_STATUS)).encode().replace(b'"spec": {}', b'"spec": ' + spec)
    with pytest.raises(Unreadable, match="rp-1") as caught:
        evidence(parse(raw, position=""))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("a", len('{"b":"éé","e":"","n":null}'.encode())),
        ("a.b", len('"éé"'.encode())),
        ("a.n", None),
        ("a.e", None),
        ("a.b.c", None),
        ("a.x", None),
        ("x.b", None),
        ("s", len(b'"\\ud800"')),
    ],
)
def test_size_at(path: str, size: int | None) -> None:
    content = '{"a":{"b":"éé","e":"","n":null},"s":"\\ud800"}'.encode()
    assert size_at(content, path) == size
