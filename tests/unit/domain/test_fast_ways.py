"""What is read by short cuts against what the exact reader says, on valid, odd and broken bytes."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.domain import custom_resource, exact_json, shapes
from archiver.domain.canonical import NotCanonical, exceeds_numeric
from archiver.domain.custom_resource import CustomResource, DecisiveStatus, parse
from archiver.domain.evidence import IDENTITY, Evidence, evidence, has_digest
from archiver.domain.json_parts import canonical_object
from archiver.domain.metadata import Key, Metadata
from archiver.errors import Unreadable
from tests.unit.domain.json_texts import DOCUMENTS, broken
from tests.unit.domain.objects import CREATED, UID, obj

_IDENTITY = f'"creationTimestamp":"{CREATED}","name":"rp","namespace":"ns","uid":"{UID}"'.encode()
# What is said of bytes with a number that no double can hold: whatever is wrong with them first.
_OF_NUMBERS = ("number-out-of-range", "number-too-long", "duplicate-key", "too-deep")


def _whole(spec: bytes, phase: bytes, beside: bytes, space: bytes) -> bytes:
    """An object as bytes; `beside` stands in metadata and, with another key, beside it."""
    return (
        b'{"apiVersion":"g/v1",%s"kind":"K","metadata":{"a":%s,%s},"spec":%s,'
        b'"status":{"completedAt":"x","message":%s,"phase":%s},"x":%s}'
    ) % (space, beside, _IDENTITY, spec, spec, phase, beside)


_VALUES = st.one_of(DOCUMENTS, broken(), st.sampled_from([b'"Completed"', b'{"a":1}', b"1E3"]))
_WHOLES = st.builds(_whole, _VALUES, _VALUES, _VALUES, st.sampled_from([b"", b"", b" ", b'"x":1,']))


def _outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Unreadable as error:
        return error.reason


@given(_WHOLES | broken())
@example(_whole(b"1e400", b'"Completed"', b"{}", b""))
@example(_whole(b'"\xff"', b'"Completed"', b"{}", b""))
@example(_whole(b"[" * 3_000 + b"]" * 3_000, b'"Completed"', b"{}", b""))
def test_the_head_alone_says_what_the_whole_tree_says(raw: bytes) -> None:
    fast = _outcome(lambda: parse(raw, position="p"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(custom_resource, "_read_head", lambda _raw: None)
        exact = _outcome(lambda: parse(raw, position="p"))
    if exact in _OF_NUMBERS and isinstance(fast, CustomResource):
        # Such a number is refused where somebody reads it.
        assert _outcome(lambda: fast.tree) == exact
        assert _outcome(lambda: evidence(fast)) == exact
    else:
        # repr, because 0 == False.
        assert repr(fast) == repr(exact)


def _exactly(raw: bytes) -> Evidence | str:
    """The evidence by its definition."""
    try:
        whole = exact_json.parse(raw)
    except NotCanonical as error:
        return error.reason
    assert isinstance(whole.parts, dict)
    metadata = exact_json.parse(whole.parts["metadata"]).parts
    assert isinstance(metadata, dict)
    identity = {key: metadata.pop(key) for key in IDENTITY}
    content = canonical_object(whole.parts | {"metadata": canonical_object(identity)})
    kept = {key: value for key, value in metadata.items() if value not in (b"{}", b"[]", b"null")}
    tree = exact_json.parse(content).value
    digest = hashlib.sha256(content).hexdigest()
    return Evidence(content, digest, canonical_object(kept), tree)


@given(_WHOLES)
@example(_whole(b'""', b'"Completed"', b'{"0":"","":""}', b""))
def test_evidence_from_raw_parts_is_that_of_the_exact_reader(raw: bytes) -> None:
    resource = _outcome(lambda: parse(raw, position="p"))
    if isinstance(resource, CustomResource):
        found = _outcome(lambda: evidence(resource))
        if isinstance(found, Evidence):
            # Whether literals are known to be the shortest depends on the way that was taken.
            assert not (found.shortest and exceeds_numeric(found.content + found.circumstances))
            found = msgspec.structs.replace(found, shortest=False)
        assert _shown(found) == _shown(_exactly(raw))


def _shown(outcome: Evidence | str) -> str:
    """As JSON, which tells 0 from False and 1 from 1.0; the order of keys does not show in it."""
    if isinstance(outcome, str):
        return outcome
    tree = json.dumps(outcome.tree, sort_keys=True)
    return f"{msgspec.structs.replace(outcome, tree={})!r} {tree}"


@given(_WHOLES, _WHOLES)
@example(_whole(b'"<"', b"1", b"1", b""), _whole(rb'"\u003c"', b"1", b"1", b""))
@example(_whole(b'"<"', b"1", b"1", b""), _whole(rb'"\\u003c"', b"1", b"1", b""))
@example(_whole(b"1", b"1", b"1", b""), _whole(b"1", b"1", b"1", b'"x":2,'))
def test_no_digest_of_evidence_is_taken_for_that_of_other_evidence(one: bytes, two: bytes) -> None:
    first = _outcome(lambda: parse(one, position="p"))
    second = _outcome(lambda: parse(two, position="p"))
    if not (isinstance(first, CustomResource) and isinstance(second, CustomResource)):
        return
    proof = _outcome(lambda: evidence(first))
    if not isinstance(proof, Evidence):
        return
    for resource in (first, second):
        if has_digest(resource, proof.digest):
            assert evidence(resource).digest == proof.digest
    again = proof.content.replace(b'"metadata":{', b'"metadata":{"labels":{"a":"b"},')
    # A lone surrogate is no text for msgspec.
    assert has_digest(parse(again, position="p"), proof.digest) or b"\\ud" in again


def test_escapes_of_go_do_not_hide_a_digest() -> None:
    plain, escaped = (
        parse(_whole(text, b'"Failed"', b"1", b""), position="p") for text in (b'"<"', rb'"\u003c"')
    )
    assert has_digest(escaped, evidence(plain).digest)
    assert not has_digest(escaped, "0" * 64)


@pytest.mark.parametrize("raw", [json.dumps(obj()).encode(), b'{"spec":%s}' % (b"[" * 10_000)])
def test_bytes_that_do_not_add_up_have_no_digest_by_hashing(raw: bytes) -> None:
    resource = CustomResource("g/v1", "K", Metadata(), Key("u", 0), raw, {})
    assert not has_digest(resource, hashlib.sha256(raw).hexdigest())


def test_nothing_is_refused_for_what_managed_fields_hold() -> None:
    whole = obj({"phase": "completed"})
    with_fields = {**whole, "metadata": whole["metadata"] | {"managedFields": ["@"]}}
    plain, odd = (
        json.dumps(each, sort_keys=True, separators=(",", ":")).encode()
        for each in (whole, with_fields)
    )
    odd = odd.replace(b'"@"', b'{"a":1,"a":2}')
    assert evidence(parse(odd, position="")) == evidence(parse(plain, position=""))


def test_the_head_has_every_place_that_tells_whether_an_object_is_due() -> None:
    places = {place.path for place in (*shapes.PHASE, *shapes.COMPLETED_AT)}
    assert places == {f"status.{name}" for name in DecisiveStatus.__annotations__}
