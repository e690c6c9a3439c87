"""Objects from files of every format, whole and broken."""

import errno
import gzip
import io
import json
import os
from pathlib import Path

import pytest

from archiver.errors import Configuration
from archiver.files.dump import documents
from archiver.files.lists import Document
from archiver.files.yaml_text import to_json
from archiver.ports import Unparsed

DEEP = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"


def read(tmp_path: Path, name: str, content: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    path = tmp_path / name
    path.write_bytes(content)
    found = list(documents([str(path)]))
    cut = len(str(tmp_path)) + 1
    good = {each.position[cut:]: each.raw for each in found if isinstance(each, Document)}
    return good, {each.position[cut:]: each.reason for each in found if isinstance(each, Unparsed)}


@pytest.mark.parametrize("name", ["d.json", "d.txt", "d.yaml", "d.json.gz"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_is_split_with_its_literals(tmp_path: Path, name: str, indent: int | None) -> None:
    text = json.dumps({"items": [{"n": 7777}, {"b": 2}], "kind": "List"}, indent=indent)
    content = text.replace("7777", "1.10E3").encode()
    good, bad = read(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content)
    assert list(good) == [f"{name} item 1", f"{name} item 2"]
    assert b"1.10E3" in good[f"{name} item 1"]
    assert not bad


def test_json_lines(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.jsonl", b'{"a":1}\n\n{"a":NaN}\n{"kind":"Pod"}\n{"a":')
    assert list(good) == ["x.jsonl line 1", "x.jsonl line 4"]
    assert bad == {"x.jsonl line 3": "not-json", "x.jsonl line 5": "truncated"}


@pytest.mark.parametrize("first", [b'{"a":1,"b":"x', b'{"a":{', b'{"a"', b"[", b'x","b":1}'])
@pytest.mark.parametrize("name", ["x.json", "x.txt", "x.jsonl"])
def test_json_lines_of_which_the_first_is_cut_short(
    tmp_path: Path, name: str, first: bytes
) -> None:
    whole = [b'{"a":2}', b'{"a":"}{"}', b'{"a":4}']
    good, bad = read(tmp_path, name, b"\n".join([first, *whole, b""]))
    assert list(good.values()) == whole
    assert bad == {f"{name} line 1": "truncated" if first == b"[" else "not-json"}


def test_json_lines_of_which_some_are_cut_short(tmp_path: Path) -> None:
    lines = [b'{"a":"', b'{"b":[', b'{"a":3}', b'{"c"', b'{"a":5}', b'{"a":6}', b'{"d":']
    good, bad = read(tmp_path, "x.json", b"\n".join(lines))
    assert list(good) == ["x.json line 3", "x.json line 5", "x.json line 6"]
    assert list(bad) == [f"x.json line {number}" for number in (1, 2, 4, 7)]


def test_a_broken_list_with_its_items_on_lines_is_no_json_lines(tmp_path: Path) -> None:
    content = b'{"items":[\n{"a":1},\n{"a":NaN},\n{"a":3}\n]}'
    good, bad = read(tmp_path, "x.json", content)
    assert list(good) == ["x.json item 1", "x.json item 3"]
    assert bad == {"x.json item 2": "not-json"}


def test_yaml_before_a_line_of_json_is_yaml(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.yaml", b'# of an evening\n{"a":1}\n---\nb: 2\n')
    assert (list(good.values()), bad) == ([b'{"a":1}', b'{"b":2}'], {})
    good, bad = read(tmp_path, "y.yaml", b'---\n{"a":1}\n')
    assert (list(good.values()), bad) == ([b'{"a":1}'], {})


def test_documents_one_after_another(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.json", b'{\n"a":1}\n{\n"b":NaN}\n[{"c":3}]\n{"d')
    assert good == {"x.json": b'{\n"a":1}', "x.json document 3 item 1": b'{"c":3}'}
    assert bad == {"x.json document 2": "not-json", "x.json document 4": "truncated"}


@pytest.mark.parametrize(
    "content",
    [
        b'{\n"a":1}\n---\n{\n"b":2}\n--- \n---\r\n\n{\n"c":"---"}\n---\n',
        b'{"a":1}\n---\n{"b":2}\n---\n{"c":"---"}\n---\n',
    ],
)
def test_separators_of_yaml_between_documents_of_json(tmp_path: Path, content: bytes) -> None:
    good, bad = read(tmp_path, "x.json", content)
    assert [one.replace(b"\n", b"") for one in good.values()] == [
        b'{"a":1}',
        b'{"b":2}',
        b'{"c":"---"}',
    ]
    assert bad == {}


def test_what_only_begins_like_a_separator_is_none(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.json", b'{\n"a":1}\n---- {\n"b":2}')
    assert list(good) == ["x.json"]
    assert bad == {"x.json document 2": "not-json"}


@pytest.mark.parametrize("cut", range(40, 58))
def test_a_list_cut_short(tmp_path: Path, cut: int) -> None:
    whole = b'{"apiVersion":"v1","items":[{"a":[1,2]},{"b":"},"},{"c":3}],"kind":"List"}'
    good, bad = read(tmp_path, "x.json", whole[:cut])
    assert good.get("x.json item 1") == b'{"a":[1,2]}'
    assert set(bad.values()) == {"truncated"}
    assert set(good.values()) <= {b'{"a":[1,2]}', b'{"b":"},"}', b'{"c":3}'}


def test_one_bad_item_harms_no_other(tmp_path: Path) -> None:
    content = b'{"apiVersion":"g/v1","kind":"TList","items":[{"a":1},{"b":NaN},%s,{"c":3}]}' % DEEP
    good, bad = read(tmp_path, "x.json", content)
    assert list(good) == ["x.json item 1", "x.json item 3", "x.json item 4"]
    assert bad == {"x.json item 2": "not-json"}


@pytest.mark.parametrize(("name", "content"), [("a.json", b""), ("a.yaml", b" \n"), ("a.gz", b"")])
def test_an_empty_file(tmp_path: Path, name: str, content: bytes) -> None:
    assert read(tmp_path, name, content) == ({}, {name: "empty"})


@pytest.mark.parametrize("damage", [slice(-8, -4), slice(-3, None)])
def test_a_damaged_gz_gives_what_stands_before(tmp_path: Path, damage: slice) -> None:
    content = bytearray(gzip.compress(b'{"a":1}\n{"b":2}'))
    content[damage] = b"" if damage.stop is None else b"\0\0\0\0"
    good, bad = read(tmp_path, "x.jsonl.gz", bytes(content))
    assert list(good.values()) == [b'{"a":1}', b'{"b":2}']
    assert bad == {"x.jsonl.gz line 3": "bad-gzip"}


def test_byte_order_marks(tmp_path: Path) -> None:
    assert read(tmp_path, "x.json", b'\xef\xbb\xbf{"a":1}')[0] == {"x.json": b'{"a":1}'}
    assert read(tmp_path, "y.json", '{"a":1}'.encode("utf-16"))[1] == {"y.json line 1": "not-utf8"}


def test_yaml_of_kubectl(tmp_path: Path) -> None:
    content = (
        b"apiVersion: v1\nitems:\n- at: 2025-01-01T00:00:00Z\n  n: 1.10\n- b: on\nkind: List\n"
    )
    good, bad = read(tmp_path, "x.yaml", content)
    assert list(good.values()) == [b'{"at":"2025-01-01T00:00:00Z","n":1.10}', b'{"b":"on"}']
    assert not bad


def test_yaml_cut_short(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.yaml", b"items:\n- a: 1\n- b: 2\n")
    assert list(good.values()) == [b'{"a":1}']
    assert bad == {"x.yaml item 2": "truncated"}
    assert read(tmp_path, "y.yaml", b"a: 1\nb: tr")[1] == {"y.yaml": "truncated"}


def test_a_broken_yaml_document_harms_no_other(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.yaml", b"---\na: 1\n---\nb: [\n---\nc: .nan\n--- \nd: 4\n")
    assert good == {"x.yaml": b'{"a":1}', "x.yaml document 4": b'{"d":4}'}
    assert bad == {"x.yaml document 2": "truncated", "x.yaml document 3": "not-json"}


@pytest.mark.parametrize("name", ["x.json", "x.yaml", "x.jsonl"])
@pytest.mark.parametrize("content", [b"null", b"5", b"true", b"null\n"])
def test_what_is_whole_and_no_object_is_not_cut_short(
    tmp_path: Path, name: str, content: bytes
) -> None:
    good, bad = read(tmp_path, name, content)
    assert (list(good.values()), bad) == ([content.strip()], {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\ta: 1\n", "not-json"),
        (b"\ta: 1", "not-json"),
        (b"a: b: c\nd: 1\n", "not-json"),
        (b"a: \x01\nb: 2\n", "not-json"),
        (b"a: \xff\n", "not-json"),
        (b"\ta: 1\n" + b"b: 2\n" * 9999 + b"\xff", "not-json"),
        (b"a: [\n", "truncated"),
        (b"a: 'x\n\n", "truncated"),
        (b'a: "x\\', "truncated"),
        ("a: [é".encode(), "truncated"),
        (b"a: x\xe2\x82", "truncated"),
    ],
)
def test_what_is_no_yaml_is_cut_short_only_where_that_shows_at_its_end(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert read(tmp_path, "x.yaml", content) == ({}, {"x.yaml": reason})


def test_what_the_yaml_reader_says_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\ta: 1\n")
    (bad,) = documents([str(tmp_path / "x.yaml")])
    assert isinstance(bad, Unparsed)
    assert bad.message.startswith(f"{bad.position}: no YAML: while scanning")


@pytest.mark.parametrize(
    "content",
    [
        b"%YAML 1.2\n---\na: 1\n",
        b"# of an evening\n%YAML 1.2\n---\na: 1\n",
        b"# only this\n---\na: 1\n",
        b"---\n# only this\n---\na: 1\n",
        b"---\na: 1\n---\n# only this\n",
        b"---\na: 1\n---\n",
        b"a: 1\n...\n",
        b"---\na: 1\n...\n# the end\n",
        b"%YAML 1.2\n---\na: 1\n...\n",
    ],
)
def test_yaml_around_documents_is_no_document(tmp_path: Path, content: bytes) -> None:
    good, bad = read(tmp_path, "x.yaml", content)
    assert (list(good.values()), bad) == ([b'{"a":1}'], {})


def test_documents_between_directives_are_all_read(tmp_path: Path) -> None:
    content = b"%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n...\n---\nc: 3\n"
    good, bad = read(tmp_path, "x.yaml", content)
    assert (list(good.values()), bad) == ([b'{"a":1}', b'{"b":2}', b'{"c":3}'], {})


def test_a_file_of_comments_alone_holds_nothing_and_is_not_broken(tmp_path: Path) -> None:
    assert read(tmp_path, "x.yaml", b"# nothing\n---\n# at all\n") == ({}, {})


def test_directives_without_a_document_are_cut_short(tmp_path: Path) -> None:
    assert read(tmp_path, "x.yaml", b"---\na: 1\n...\n%YAML 1.2\n")[1] == {
        "x.yaml document 2": "truncated"
    }


def test_an_array_without_its_end_is_cut_short(tmp_path: Path) -> None:
    good, bad = read(tmp_path, "x.jsonl", b'[{"a":1},\n{"items":[\n{"a":2}\n')
    assert list(good.values()) == [b'{"a":1}', b'{"a":2}']
    assert bad == {"x.jsonl line 1": "truncated", "x.jsonl line 2": "truncated"}


def test_a_document_that_says_null_is_no_comment(tmp_path: Path) -> None:
    assert read(tmp_path, "x.yaml", b"---\nnull\n")[0] == {"x.yaml": b"null"}


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("~", b"null"), ("True", b"true"), ("no", b'"no"'), ("-0.0", b"-0.0"), ("1E3", b"1E3"),
        ("1_000", b'"1_000"'), ("12:30:45", b'"12:30:45"'), ("2025-01-01", b'"2025-01-01"'),
        ("'1'", b'"1"'), ("!!str 1", b'"1"'), ("!!int '1'", b"!tag"), ("!!float 1e-7", b"1e-7"),
        ("!!float '1'", b"!tag"), ("!!float a", b"!tag"), ("0x1F", b"0x1F"),
        ("", b"null"), ("[1, {a: b}]", b'[1,{"a":"b"}]'), ("|\n  x\n  y", b'"x\\ny\\n"'),
    ],
)  # fmt: skip
def test_scalars_of_yaml(yaml: str, expected: bytes) -> None:
    assert to_json(f"1: {yaml}\n".encode()).text == b'{"1":%s}' % expected


def test_what_json_has_no_form_for_is_named_with_its_line(tmp_path: Path) -> None:
    content = (
        b"# dumped\n---\nkind: List\nitems:\n- a: &x 0x1F\n- b: '0x1F *alias'\n- c: *x\n  d: .5\n"
        b"- e: !!binary aGk=\nmetadata: {f: *x}\n---\ng: *x\n"
    )
    (tmp_path / "x.yaml").write_bytes(content)
    found = list(documents([str(tmp_path / "x.yaml")]))
    broken = [entry for entry in found if not isinstance(entry, Document)]
    no_form = "for which JSON has no form"
    assert [entry.message.partition(": ")[2] for entry in broken] == [
        f"line 5 has the number 0x1F, {no_form}",
        f"line 7 has the alias *x, {no_form}",
        f"line 9 has a value with the tag !!binary, {no_form}",
        f"line 12 has the alias *x, {no_form}",
    ]
    assert [entry.raw for entry in broken][1] == b'{"c":*alias,"d":.5}'
    assert [entry.raw for entry in found if isinstance(entry, Document)] == [b'{"b":"0x1F *alias"}']


def test_where_it_is_no_yaml_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"kind: List\nitems:\n- a: 0x1F\n  b: [}\n")
    (broken,) = documents([str(tmp_path / "x.yaml")])
    assert isinstance(broken, Unparsed)
    assert "no YAML: while parsing a flow node" in broken.message


def test_lone_surrogates_are_kept_as_they_are_written(tmp_path: Path) -> None:
    texts = [rb'{"a":"\ud800"}', rb'{"a":"\\ud800","b":"\\\uDFFFx"}', rb'{"c":1}']
    good, bad = read(tmp_path, "x.jsonl", b"\n".join(texts))
    assert (list(good.values()), bad) == (texts, {})
    listed = rb'{"kind":"List","items":[' + b",".join(texts) + b"]}"
    good, bad = read(tmp_path, "y.json", listed)
    assert (list(good.values()), bad) == (texts, {})


def test_a_directory_is_read_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.yml", "c.ndjson", "notes.txt", "sub/d.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'{"a":1}\n')
    found = [Path(each.position.split()[0]).name for each in documents([str(tmp_path)])]
    assert found == ["a.yml", "b.json", "c.ndjson", "d.json"]


def test_links_to_directories_are_followed_and_each_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "dumps" / "sub").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.json").write_bytes(b'{"c":1}')
    (tmp_path / "dumps" / "sub" / "b.json").write_bytes(b'{"b":1}')
    for name in ("linked", "sub/again"):
        (tmp_path / "dumps" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "dumps" / "sub" / "loop").symlink_to(tmp_path / "dumps")
    found = [each.raw for each in documents([str(tmp_path / "dumps")])]
    assert found == [b'{"c":1}', b'{"b":1}']


def test_a_folder_that_may_not_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    closed = tmp_path / "sub" / "closed"
    closed.mkdir(parents=True)
    listed = os.listdir

    def refuse(path: Path) -> list[str]:
        # Root may list whatever its mode is.
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr("os.listdir", refuse)
    with pytest.raises(Configuration, match=f"{closed}: Permission denied"):
        documents([str(tmp_path)])


def test_a_link_to_a_dump_that_is_gone_is_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Configuration, match=r"gone\.json: No such file"):
        list(documents([str(tmp_path)]))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b'{"a":1}\n'))
    monkeypatch.setattr("sys.stdin", stdin)
    assert list(documents(["-"])) == [Document("standard input line 1", b'{"a":1}')]
    assert not stdin.buffer.closed


@pytest.mark.parametrize(
    ("rest", "reason"),
    [(b"done", "not-json"), (b'"a{', "not-json"), (b'{"b":', "truncated"), (b"x {", "truncated")],
)
def test_what_stands_behind_a_document_is_cut_short_only_if_it_began_one(
    tmp_path: Path, rest: bytes, reason: str
) -> None:
    whole = json.dumps({"a": 1}, indent=4).encode()
    good, bad = read(tmp_path, "x.json", whole + b"\n" + rest + b"\n")
    assert ([json.loads(raw) for raw in good.values()], list(bad.values())) == (
        [{"a": 1}],
        [reason],
    )


def test_text_behind_json_lines_is_not_cut_short(tmp_path: Path) -> None:
    assert read(tmp_path, "x.json", b'{"a":1}\ndone')[1] == {"x.json line 2": "not-json"}
    assert read(tmp_path, "x.json", b'{"a":1}\n{"b":')[1] == {"x.json line 2": "truncated"}


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(Configuration, match=str(tmp_path)):
        documents([str(tmp_path / name)])
