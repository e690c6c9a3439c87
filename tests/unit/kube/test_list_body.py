"""Lists are split exactly, however deep an item is nested."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.kube.list_body import (
    Identity,
    Malformed,
    _metadata_without_recursion,
    _split_without_recursion,
    identity,
    split,
)

DEEP = b'{"metadata":{"name":"deep","namespace":"n","uid":"u"},"spec":%s1%s}' % (
    b'{"a":[' * 3000,
    b"]}" * 3000,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def listed(*items: bytes, token: str = "") -> bytes:
    head = b'"apiVersion":"g/v1","kind":"TicketList","metadata":{"continue":"%s"}' % token.encode()
    return b'{%s,"items":[%s]}\n' % (head, b",".join(items))


def test_a_list() -> None:
    body = split(listed(b'{"a": 1.10}', b"{}", token="next"))
    assert (body.api_version, body.item_kind) == ("g/v1", "Ticket")
    assert body.metadata.continue_ == "next"
    assert [bytes(item) for item in body.items or ()] == [b'{"a": 1.10}', b"{}"]


@pytest.mark.parametrize("items", [b"[]", b"null"])
def test_an_empty_list(items: bytes) -> None:
    assert not split(b'{"kind":"TicketList","metadata":{},"items":%s}' % items).items


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>",
        b'{"kind":"TicketList"}',
        b'{"kind":"Status","items":[]}',
        b'{"kind":"TicketList","items":{}}',
        b'{"kind":"TicketList","items":[]',
        listed(b'{"a":1}')[:-4],
        listed(DEEP)[:-3],
        listed(DEEP)[:-3000],
        listed(DEEP).replace(b'"TicketList"', b"7"),
        b'{"items":[%s],"kind":7}' % DEEP,
        listed(DEEP).replace(b'"TicketList"', b'"Ticket"'),
        b"\xff\xfe",
    ],
)
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(Malformed):
        split(body)


def test_one_deep_item_harms_no_other() -> None:
    body = split(listed(b'{"a":1}', DEEP, b'{"b":"]},{\\""}', token="next"))
    assert [bytes(item) for item in body.items or ()] == [b'{"a":1}', DEEP, b'{"b":"]},{\\""}']
    assert (body.item_kind, body.metadata.continue_) == ("Ticket", "next")


@given(st.lists(JSON, max_size=4), st.booleans(), st.sampled_from([None, 2]))
def test_both_ways_of_splitting_agree(items: list[object], ascii_only: bool, indent: int) -> None:
    whole = {"kind": "TicketList", "items": items, "metadata": {"continue": "c"}}
    body = json.dumps(whole, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")
    fast, slow = split(body), _split_without_recursion(body)
    assert [bytes(item) for item in fast.items or ()] == [bytes(item) for item in slow.items or ()]
    assert [json.loads(bytes(item)) for item in slow.items or ()] == items
    assert (fast.kind, fast.metadata) == (slow.kind, slow.metadata)


def test_who_an_object_is() -> None:
    assert identity(DEEP) == Identity("n", "deep", "u")
    assert identity(DEEP).path == "n/deep"
    assert identity(b'{"metadata":{"name":"a","labels":7}}') == Identity("", "a", "")


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"[]",
        b'{"metadata":{"name":1}}',
        b'{"metadata":' + b"[" * 9999,
        DEEP.replace(b'"deep"', b"1"),
        DEEP.replace(b'{"name"', b'{"a":%s,"name"' % (b"[" * 3000 + b"]" * 3000)),
    ],
)
def test_an_object_that_does_not_say_who_it_is(raw: bytes) -> None:
    assert identity(raw) == Identity("", "", "")
    assert identity(raw).path == ""


def test_an_object_that_is_cut_short() -> None:
    assert _metadata_without_recursion(b'{"metadata":{"name":"a"').name == ""
