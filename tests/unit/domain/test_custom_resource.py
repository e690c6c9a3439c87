"""What is read of an object, and what is refused before anything is decided on it."""

import json
from typing import Any

import pytest

from archiver.domain.custom_resource import parse
from archiver.errors import Unreadable
from tests.unit.domain.objects import CREATED, UID, obj, read, resource


def _refusal(raw: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        parse(raw, position="file.json, line 3")
    assert "file.json, line 3" in str(caught.value)
    return caught.value


def test_reads_the_head_and_keeps_the_bytes() -> None:
    owner = {"apiVersion": "r/v1", "kind": "RemediationRequest", "name": "rr", "uid": "u"}
    whole = obj({"phase": "completed"}, labels={"a": "b"}, ownerReferences=[owner])
    raw = json.dumps(whole, indent=1).encode()
    parsed = parse(raw, position="")
    assert parsed.raw == raw
    assert parsed.tree == whole
    assert parsed.metadata.labels == {"a": "b"}
    assert parsed.metadata.owner_references is not None
    assert parsed.metadata.owner_references[0].controller is None
    assert parsed.key.uid == UID
    assert str(parsed) == f"kubernaut-system/rp-1 (uid {UID})"


def test_items_of_a_list_may_leave_kind_to_the_list() -> None:
    whole = obj()
    del whole["apiVersion"], whole["kind"]
    parsed = parse(json.dumps(whole).encode(), position="", api_version="g/v1", kind="K")
    assert (parsed.api_version, parsed.kind) == ("g/v1", "K")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not-json"),
        (b"[]", "not-json"),
        (b"5", "not-json"),
        (b'"text"', "not-json"),
        (b"null", "not-json"),
        (b"{", "not-json"),
        (b'{"a":NaN}', "not-json"),
        (b"\xef\xbb\xbf{}", "not-json"),
        (b'{"a":"\xff"}', "not-utf8"),
        (b'{"a":1e400}', "number-out-of-range"),
        (b'{"a":%s}' % (b"1" * 5_000), "number-too-long"),
        (b'{"a":' * 6_000 + b"1" + b"}" * 6_000, "too-deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "too-deep"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_bytes_that_are_no_object(raw: bytes, reason: str) -> None:
    assert _refusal(raw).reason == reason


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"uid": ...}, "no-uid"),
        ({"uid": ""}, "no-uid"),
        ({"name": ...}, "no-name"),
        ({"uid": "u" * 129}, "uid-too-long"),
        ({"uid": "é" * 65}, "uid-too-long"),
        ({"uid": "u\0"}, "unstorable-identity"),
        ({"uid": "\ud800"}, "unstorable-identity"),
        ({"name": "a\udfffb"}, "unstorable-identity"),
        ({"namespace": "a\0"}, "unstorable-identity"),
        ({"creationTimestamp": ...}, "no-creation-time"),
        ({"creationTimestamp": None}, "no-creation-time"),
        ({"creationTimestamp": ""}, "no-creation-time"),
        ({"creationTimestamp": "now"}, "bad-creation-time"),
        ({"creationTimestamp": "2017-12-31T23:59:59Z"}, "creation-time-out-of-range"),
        ({"labels": ["a"]}, "bad-metadata"),
        ({"generation": "1"}, "bad-metadata"),
        ({"uid": 5}, "bad-metadata"),
        ({"ownerReferences": [{"kind": "K"}]}, "bad-metadata"),
    ],
)
def test_metadata_that_is_refused(metadata: dict[str, Any], reason: str) -> None:
    assert _refusal(json.dumps(obj(**metadata)).encode()).reason == reason


@pytest.mark.parametrize("metadata", [None, [], "text"])
def test_metadata_that_is_no_object(metadata: Any) -> None:
    assert _refusal(json.dumps({"metadata": metadata}).encode()).reason == "bad-metadata"
    with_surrogate = json.dumps({"\ud800": 1, "metadata": metadata}).encode()
    assert _refusal(with_surrogate).reason == "bad-metadata"


@pytest.mark.parametrize("field", ["apiVersion", "kind"])
def test_a_kind_no_column_can_hold(field: str) -> None:
    whole = obj() | {field: "a\ud800"}
    assert _refusal(json.dumps(whole).encode()).reason == "unstorable-identity"


@pytest.mark.parametrize("uid", ["not a uuid", "u" * 128])
def test_any_other_text_is_a_uid(uid: str) -> None:
    assert resource(uid=uid).key.uid == uid


def test_the_earliest_birth() -> None:
    assert resource(creationTimestamp="2018-01-01T00:00:00Z").key.created_at == 1514764800 * 10**9


def test_a_lone_surrogate_in_a_value_is_no_hindrance() -> None:
    parsed = resource({"phase": "completed", "message": "\ud800"}, labels={"a": "\udc00"})
    assert parsed.tree["status"]["message"] == "\ud800"


def test_a_lone_surrogate_in_a_key_is_no_hindrance() -> None:
    owner = {"kind": "K", "name": "n", "uid": "u", "\ud800": 1}
    whole = obj(ownerReferences=[owner], annotations={"\ud800": "x"}, **{"\ud801": 1})
    parsed = read(whole | {"\ud802": 1, "status": {"phase": "Failed", "\ud803": 1}})
    assert parsed.decisive == {"status": {"phase": "Failed"}}
    assert parsed.metadata.creation_timestamp == CREATED
    assert parsed.metadata.owner_references is not None
    assert parsed.metadata.owner_references[0].uid == "u"


def test_such_keys_hide_no_broken_metadata() -> None:
    for owners in (["text"], {"a": 1}):
        raw = json.dumps({"\ud800": 1} | obj(ownerReferences=owners)).encode()
        assert _refusal(raw).reason == "bad-metadata"
