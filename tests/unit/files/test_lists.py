"""Lists within lists: their items are items of the file, as kubectl takes them."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from archiver.files.dump import documents
from archiver.files.lists import Document
from archiver.ports import Unparsed

A, B, C = {"a": 1}, {"b": 2}, {"c": 3}


def list_of(*objects: Any, kind: str = "List") -> dict[str, Any]:
    return {"apiVersion": "v1" if kind == "List" else "g.io/v1", "kind": kind, "items": [*objects]}


def nested(depth: int, innermost: Any = A) -> Any:
    for _ in range(depth):
        innermost = list_of(innermost)
    return innermost


def read(path: Path, content: str) -> Iterator[Document | Unparsed]:
    path.write_text(content)
    return documents([str(path)])


def good(path: Path, content: str) -> dict[str, Any]:
    """position → object, where all of them can be read."""
    found = list(read(path, content))
    assert not [each for each in found if isinstance(each, Unparsed)]
    cut = len(f"{path} ")
    return {e.position[cut:]: json.loads(e.raw) for e in found if isinstance(e, Document)}


@pytest.mark.parametrize("name", ["x.json", "x.yaml", "x.jsonl"])
@pytest.mark.parametrize(
    "whole",
    [
        list_of(A, list_of(B, C)),
        list_of(A, list_of(list_of(), B, list_of(C))),
        list_of(A, {"apiVersion": "v1", "items": [B, C]}),
    ],
)
def test_items_of_lists_within_a_list_are_items(tmp_path: Path, name: str, whole: Any) -> None:
    content = yaml.safe_dump(whole) if name == "x.yaml" else json.dumps(whole)
    assert list(good(tmp_path / name, content).values()) == [A, B, C]


@pytest.mark.parametrize("whole", [[A, list_of(B, C)], [list_of(A), [B, C]]])
def test_items_of_lists_within_an_array_are_items(tmp_path: Path, whole: Any) -> None:
    assert list(good(tmp_path / "x.json", json.dumps(whole)).values()) == [A, B, C]


def test_their_positions_are_those_in_each_list(tmp_path: Path) -> None:
    content = json.dumps(list_of(A, list_of(B, list_of(C))))
    assert list(good(tmp_path / "x.json", content)) == [
        "item 1",
        "item 2 item 1",
        "item 2 item 2 item 1",
    ]
    assert list(good(tmp_path / "x.jsonl", f"\n{content}\n")) == [
        "line 2 item 1",
        "line 2 item 2 item 1",
        "line 2 item 2 item 2 item 1",
    ]


def test_an_item_without_a_kind_is_of_the_list_that_is_around_it(tmp_path: Path) -> None:
    whole = list_of(list_of(A, kind="TicketList"), B)
    found = list(read(tmp_path / "x.json", json.dumps(whole)))
    said = [(e.api_version, e.kind) for e in found if isinstance(e, Document)]
    assert said == [("g.io/v1", "Ticket"), ("", "")]


def test_an_item_of_a_kind_is_no_list_whatever_it_has(tmp_path: Path) -> None:
    shelf, kindless = {"kind": "Shelf", "items": [A]}, {"items": [B]}
    content = json.dumps(list_of(shelf, list_of(kindless, kind="BoxList")))
    assert list(good(tmp_path / "x.json", content).values()) == [shelf, kindless]


@pytest.mark.parametrize(("depth", "reason"), [(250, None), (251, "too-deep"), (5000, "too-deep")])
def test_lists_may_be_as_deep_as_an_object_is_read(
    tmp_path: Path, depth: int, reason: str | None
) -> None:
    before, after = '{"kind":"List","items":[', "]}"
    content = before * depth + '{"a":1}' + after * depth
    whole = f'[{{"b":2}},{content},{{"c":3}}]' if depth > 251 else content
    found = list(read(tmp_path / "x.json", whole))
    assert [e.reason for e in found if isinstance(e, Unparsed)] == [reason] * bool(reason)
    kept = [json.loads(e.raw) for e in found if isinstance(e, Document)]
    assert kept == ([B, C] if depth > 251 else [A] * (reason is None))


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_one_bad_item_of_a_list_within_harms_no_other(tmp_path: Path, name: str) -> None:
    content = json.dumps(list_of(A, list_of("bad", B), C)).replace('"bad"', '{"n": NaN}') + "\n"
    found = list(read(tmp_path / name, content))
    assert [json.loads(e.raw) for e in found if isinstance(e, Document)] == [A, B, C]
    (bad,) = [e for e in found if isinstance(e, Unparsed)]
    assert (bad.reason, bad.raw) == ("not-json", b'{"n": NaN}')
    assert bad.position.endswith("item 2 item 1")


TWICE = '{"kind": "List", "items": [%s], "items": %s}'


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
@pytest.mark.parametrize("around", ["%s", '[{"c":3},%s]', '{"items":[{"c":3},%s]}'])
@pytest.mark.parametrize(
    "items",
    [('{"a":1}', '[{"b":2}]'), ('{"a":1}', "null"), ("", '[{"items":[1]}]'), ("NaN", "[{}]")],
)
def test_a_list_with_its_items_twice_is_given_as_that(
    tmp_path: Path, name: str, around: str, items: tuple[str, str]
) -> None:
    bad = TWICE % items
    found = list(read(tmp_path / name, around % bad + "\n"))
    said = [(e.reason, e.raw.decode()) for e in found if isinstance(e, Unparsed)]
    assert said == [("duplicate-key", bad)]
    assert [json.loads(e.raw) for e in found if isinstance(e, Document)] == [C] * (around != "%s")


def test_yaml_with_its_items_twice_is_given_as_that(tmp_path: Path) -> None:
    found = list(read(tmp_path / "x.yaml", "items:\n- a: 1\nkind: List\nitems:\n- b: 2\n"))
    assert [getattr(e, "reason", "") for e in found] == ["duplicate-key"]


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("key", ["k", "a key with spaces", 'quote"', "\u00e9", "\u2028"])
def test_items_within_items_are_no_second_key(tmp_path: Path, key: str, indent: int | None) -> None:
    held = [{"items": [1], "x": '"items": [', "kind": "K"}, {"items": {"items": " a "}}]
    whole = {key: {"items": " "}, **list_of(*held)}
    found = good(tmp_path / "x.json", json.dumps(whole, indent=indent))
    assert list(found.values()) == held


def test_whole_lists_are_not_cut_by_brackets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is slow."""
    monkeypatch.setattr("archiver.files.split._pieces", None)
    held = [{"items": [1], "x": " ", "kind": "K"}, {"items": [], "kind": "K"}]
    for indent in (None, 4):
        whole = json.dumps({"apiVersion": "v1", "items": held, "metadata": {}}, indent=indent)
        assert list(good(tmp_path / "x.json", whole).values()) == held


@pytest.mark.parametrize("cut", range(87, 103))
def test_a_list_within_that_is_cut_short(tmp_path: Path, cut: int) -> None:
    whole = json.dumps(list_of(A, list_of(B, C)), separators=(",", ":"))
    found = list(read(tmp_path / "x.json", whole[:cut]))
    kept = [json.loads(e.raw) for e in found if isinstance(e, Document)]
    assert kept == [A, B, C][: len(kept)]
    assert [e.reason for e in found if isinstance(e, Unparsed)] == ["truncated"]


def test_yaml_that_ends_within_a_list_within(tmp_path: Path) -> None:
    content = yaml.safe_dump(list_of(A, list_of(B, C)), sort_keys=False)
    found = list(read(tmp_path / "x.yaml", content[: content.index("c: 3")] + "c: "))
    assert [json.loads(e.raw) for e in found if isinstance(e, Document)] == [A, B]
    assert [e.reason for e in found if isinstance(e, Unparsed)] == ["truncated"]


def test_lists_around_a_list_take_no_more_memory(tmp_path: Path) -> None:
    many = list_of(*({"n": number, "text": "x" * 10_000} for number in range(40)))

    def most(depth: int) -> int:
        (tmp_path / "x.json").write_text(json.dumps(nested(depth, many)))
        tracemalloc.start()
        assert sum(1 for _ in documents([str(tmp_path / "x.json")])) == 40
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(6) < 1.1 * most(0)
