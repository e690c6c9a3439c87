"""The canonical form: a table of forms, one of refusals, and the fast way against the exact one."""

import hashlib
import json
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.domain import canonical, exact_json
from archiver.domain.canonical import NotCanonical
from tests.unit.domain.json_texts import DOCUMENTS, STRINGS, VALUES, broken

_FORMS = [
    (b"{}", b"{}"),
    (b" [ ] ", b"[]"),
    (b'{"b":1,"a":2}', b'{"a":2,"b":1}'),
    (b'{ "b" : [ 1 ,\n2 ] ,\t"a" : { } }\r\n', b'{"a":{},"b":[1,2]}'),
    (b"[true,false,null]", b"[true,false,null]"),
    # Code points, not UTF-16 units: U+10000 comes after U+FFFF.
    (
        '{"\U00010000":1,"\uffff":2,"é":3,"z":4,"":5}'.encode(),
        '{"":5,"z":4,"é":3,"\uffff":2,"\U00010000":1}'.encode(),
    ),
    (rb'{"\ud800":1,"\ue000":2,"a":3}', b'{"a":3,"\\ud800":1,"\xee\x80\x80":2}'),
    # Number literals.
    (b"[1.10, 1E3, -0.0, -0, 1e-7, 0e5]", b"[1.10,1E3,-0.0,-0,1e-7,0e5]"),
    (b"[1e21,1e+21,100000000000000000000]", b"[1e21,1e+21,100000000000000000000]"),
    (b"[9007199254740993,18446744073709551616]", b"[9007199254740993,18446744073709551616]"),
    (b"[1e-400]", b"[1e-400]"),
    (b"0." + b"1" * 998, b"0." + b"1" * 998),
    (b"1" + b"0" * 308, b"1" + b"0" * 308),
    # Strings.
    (rb'"\/\u0041\u00e9\u007f"', '"/Aé\x7f"'.encode()),
    (rb'"\u0008\u0009\u000a\u000C\u000d\"\\"', rb'"\b\t\n\f\r\"\\"'),
    (rb'"\u0000\u001F"', rb'"\u0000\u001f"'),
    (rb'"\ud83d\ude00"', '"\U0001f600"'.encode()),
    (rb'"\uD83D"', rb'"\ud83d"'),
    (rb'"\ude00\ud83d\ud83d\ude00x"', '"\\ude00\\ud83d\U0001f600x"'.encode()),
    (rb'"\u003cb\u003e \u0026 \u2028\u2029"', '"<b> & \u2028\u2029"'.encode()),
    (rb'"\\u003c"', rb'"\\u003c"'),
    (rb'"\\\u003c"', rb'"\\<"'),
    (rb'{"\u003c":1,";":2}', b'{";":2,"<":1}'),
    ('"é"'.encode(), '"é"'.encode()),
    ('"e\u0301"'.encode(), '"e\u0301"'.encode()),
]

_REFUSED = [
    (b"", "not-json", "byte 0: expected a value, found the end"),
    (b"  ", "not-json", "byte 2: expected a value, found the end"),
    (b"\xef\xbb\xbf{}", "not-json", "byte 0: a byte order mark"),
    (b'{"a":1} x', "not-json", "byte 8: expected the end, found 'x'"),
    (b'{"a":1}{}', "not-json", "byte 7: expected the end"),
    (b'{"a":1', "not-json", "byte 6: expected a comma or }, found the end"),
    (b'{"a":1]', "not-json", "byte 6: expected a comma or }, found ']'"),
    (b"[1}", "not-json", "byte 2: expected a comma or ], found '}'"),
    (b"[1 2]", "not-json", "byte 3: expected a comma or ], found '2]'"),
    (b"[1,]", "not-json", "byte 3: expected a value, found ']'"),
    (b"[,1]", "not-json", "byte 1: expected a value"),
    (b'{"a":1,}', "not-json", "byte 7: expected a key and a colon, found '}'"),
    (b"{a:1}", "not-json", "byte 1: expected a key and a colon"),
    (b'{"a" 1}', "not-json", "byte 1: expected a key and a colon"),
    (b'{"a":}', "not-json", "byte 5: expected a value"),
    (b"{1:1}", "not-json", "byte 1: expected a key and a colon"),
    (b'"a', "not-json", "byte 0: expected a value"),
    (b'"\\x"', "not-json", "byte 0: expected a value"),
    (b'"\\u12"', "not-json", "byte 0: expected a value"),
    (b'"a\nb"', "not-json", "byte 0: expected a value"),
    (b"'a'", "not-json", "byte 0: expected a value"),
    (b"[NaN]", "not-json", "byte 1: expected a value, found 'NaN]'"),
    (b"[-Infinity]", "not-json", "byte 1: expected a value, found '-Infinity]'"),
    (b"[01]", "not-json", "byte 2: expected a comma or ]"),
    (b"[1.]", "not-json", "byte 2: expected a comma or ]"),
    (b"[.5]", "not-json", "byte 1: expected a value"),
    (b"[+1]", "not-json", "byte 1: expected a value"),
    (b"[1e]", "not-json", "byte 2: expected a comma or ]"),
    (b"[0x10]", "not-json", "byte 2: expected a comma or ]"),
    (b"truefalse", "not-json", "byte 4: expected the end"),
    (b"{}\x00", "not-json", "byte 2: expected the end"),
    (b"[1\x0c]", "not-json", "byte 2: expected a comma or ]"),
    (b'"a\xffb"', "not-utf8", "byte 2: 0xff is no UTF-8: invalid start byte"),
    (b'"\xed\xa0\x80"', "not-utf8", "byte 1: 0xed is no UTF-8"),
    (b'"\xc0\x80"', "not-utf8", "byte 1: 0xc0 is no UTF-8"),
    (b'"\xe2\x82', "not-utf8", "byte 1: 0xe2 is no UTF-8: unexpected end of data"),
    (b'{"a":1, "a":1}', "duplicate-key", "byte 8: the key 'a' stands twice in one object"),
    (rb'{"a":1,"\u0061":2}', "duplicate-key", "byte 7: the key 'a' stands twice"),
    (rb'{"<":1,"\u003c":1}', "duplicate-key", "byte 7: the key '<' stands twice"),
    (b"[1e400]", "number-out-of-range", "byte 1: the number 1e400 is beyond a double (1.8e308)"),
    (b"[ -1e309]", "number-out-of-range", "byte 2: the number -1e309 is beyond"),
    (b"9" * 309, "number-out-of-range", "byte 0: the number 9999999999"),
    (b"[" + b"1" * 1_001 + b"]", "number-too-long", "byte 1: the number 11111111111111111111…"),
    (b"1" * 5_000, "number-too-long", "has 5,000 characters, more than 1,000"),
    (b"0." + b"1" * 999, "number-too-long", "has 1,001 characters, more than 1,000"),
]


@pytest.mark.parametrize(("raw", "content"), _FORMS)
def test_canonical_form(raw: bytes, content: bytes) -> None:
    assert canonical.canonical(raw) == content
    assert exact_json.parse(raw).content == content


@pytest.mark.parametrize("content", [content for _, content in _FORMS])
def test_the_canonical_form_is_its_own(content: bytes) -> None:
    assert canonical.canonical(content) == content


@pytest.mark.parametrize(("raw", "reason", "text"), _REFUSED)
def test_refuses_with_a_stable_reason_and_says_where(raw: bytes, reason: str, text: str) -> None:
    with pytest.raises(NotCanonical) as refused:
        canonical.canonical(raw)
    assert refused.value.reason == reason
    assert text in str(refused.value)
    assert len(str(refused.value)) < 200


def test_composed_and_decomposed_letters_differ() -> None:
    assert canonical.canonical('"é"'.encode()) != canonical.canonical('"e\u0301"'.encode())


def test_order_and_spaces_make_no_difference_to_the_digest() -> None:
    one = canonical.canonical(b'{"a":1.10,"b":{"d":[],"c":"\\u003c"}}')
    two = canonical.canonical(b'{ "b" : {"c":"<","d":[ ]},\n "a":1.10 }')
    assert canonical.sha256_hex(one) == canonical.sha256_hex(two)


def test_the_digest_is_sha_256_in_lower_case_hexadecimal() -> None:
    expected = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert canonical.sha256_hex(b"{}") == expected == hashlib.sha256(b"{}").hexdigest()


@given(DOCUMENTS | broken())
@example(b'{"a":[],"a":"\\\\\\u003c"}')
@example(b'["' + b"1" * 400 + b'"]')
@example(b'{"a":-0,"a":-0}')
def test_the_fast_way_and_the_exact_one_agree_on_every_text(raw: bytes) -> None:
    try:
        expected = exact_json.parse(raw)
    except NotCanonical as refused:
        with pytest.raises(NotCanonical) as again:
            canonical.decode(raw)
        assert (again.value.reason, str(again.value)) == (refused.reason, str(refused))  # noqa: PT017
    else:
        decoded = canonical.decode(raw)
        assert decoded.content == expected.content
        # repr, because 0 == -0.0 == False.
        assert repr(decoded.value) == repr(expected.value)
        assert repr(canonical.decode_tree(raw)) == repr(expected.value)


@given(DOCUMENTS | broken())
def test_accepts_what_pythons_own_reader_accepts_within_the_limits(raw: bytes) -> None:
    try:
        value = exact_json.parse(raw).value
    except NotCanonical as refused:
        if refused.reason in ("not-json", "not-utf8"):  # the others are our limits
            with pytest.raises(ValueError, match=r".*"):
                _plain_json(raw)
    else:
        assert repr(_plain_json(raw)) == repr(value)


def _plain_json(raw: bytes) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(raw.decode(), parse_constant=refuse)


@given(DOCUMENTS)
def test_canonical_bytes_mean_the_same_and_are_their_own_canonical_form(raw: bytes) -> None:
    try:
        decoded = canonical.decode(raw)
    except NotCanonical:
        return
    assert canonical.canonical(decoded.content) == decoded.content
    assert repr(canonical.decode_tree(decoded.content)) == repr(_sorted(decoded.value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_is_what_pythons_writer_makes_of_a_value_without_floats(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    written = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert canonical.canonical(written) == expected
    assert exact_json.parse(written).content == expected


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"a":[1,2.5,"\\n\xc3\xa9"],"b":{}}\n', id="canonical"),
        pytest.param(rb'{"a":"\u003cb\u003e\u0026\u2028\u2029","b":0.95}', id="escaped by Go"),
        pytest.param(b'{\n  "b": 1.10,\n  "a": [ "x y", 1E3 ]\n}', id="indented, other literals"),
        pytest.param(b'{"a":"%s"}' % (b"A1" * 5_000), id="base64"),
        pytest.param(b"[" + b"[],{}," * 300 + b"[]]", id="wide, not deep"),
        pytest.param(b'["' + b"[" * 600 + b'\\"{"]', id="brackets in a string"),
    ],
)
def test_usual_texts_never_reach_the_exact_reader(
    raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = exact_json.parse(raw).content
    monkeypatch.setattr(exact_json, "parse", None)
    assert canonical.canonical(raw) == expected


def test_bytes_that_are_canonical_are_kept_and_not_copied() -> None:
    raw = b'{"a":1}'
    assert canonical.canonical(raw) is raw


def test_500_levels_are_kept() -> None:
    arrays = b"[" * 500 + b"]" * 500
    objects = b'{"a":' * 499 + b"{}" + b"}" * 499
    assert canonical.canonical(arrays) == arrays
    assert canonical.canonical(objects) == objects


@pytest.mark.parametrize("levels", [501, 1_000, 6_000, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")])
def test_more_than_500_levels_are_refused(levels: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(NotCanonical) as refused:
        canonical.canonical(opening * levels + b"[]" + closing * levels)
    assert refused.value.reason == "too-deep"
    at = 500 * len(opening)
    assert str(refused.value) == f"byte {at}: nested deeper than 500 levels"


def test_depth_needs_no_stack() -> None:
    raw = b"[" * 450 + b"1.10" + b"]" * 450

    def deep_down(frames: int) -> bytes:
        return canonical.canonical(raw) if frames == 0 else deep_down(frames - 1)

    frame, used = sys._getframe(), 0
    while frame.f_back is not None:
        frame, used = frame.f_back, used + 1
    assert deep_down(sys.getrecursionlimit() - used - 60) == raw


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'"' + b'\\"' * 500_000, id="escaped quotes, no end"),
        pytest.param(b"[" * 501 + b'"' + b'\\"' * 500_000, id="deep, escaped quotes, no end"),
        pytest.param(b"[" + b" " * 1_000_000 + b"x", id="spaces, then nonsense"),
        pytest.param(b"[" + b"1" * 1_000_000 + b".]", id="digits, then nonsense"),
        pytest.param(b"]" * 1_000_000, id="closing brackets"),
    ],
)
def test_a_megabyte_of_nonsense_is_refused_in_one_pass(raw: bytes) -> None:
    with pytest.raises(NotCanonical):
        canonical.canonical(raw)


def test_takes_an_object_apart_and_builds_another_of_its_parts() -> None:
    parts = canonical.members(b'{"kind":"K","spec":{"a":1.10},"status":null}')
    assert parts == {"kind": b'"K"', "spec": b'{"a":1.10}', "status": b"null"}
    parts["apiVersion"] = canonical.canonical_text("g/v1")
    assert (
        canonical.canonical_object(parts)
        == b'{"apiVersion":"g/v1","kind":"K","spec":{"a":1.10},"status":null}'
    )


def test_takes_an_array_apart_and_builds_another_of_its_elements() -> None:
    parts = canonical.elements(b'[1.10,"a",[]]')
    assert parts == [b"1.10", b'"a"', b"[]"]
    assert canonical.canonical_array(reversed(parts)) == b'[[],"a",1.10]'


def test_takes_apart_what_holds_lone_surrogates() -> None:
    assert canonical.members(rb'{"a":"\ud800","\udfff":[1.10]}') == {
        "a": rb'"\ud800"',
        "\udfff": b"[1.10]",
    }
    assert canonical.elements(rb'["\ud800",1.10]') == [rb'"\ud800"', b"1.10"]


@given(DOCUMENTS)
def test_parts_put_together_are_the_whole_lone_surrogates_included(raw: bytes) -> None:
    try:
        content = canonical.canonical(raw)
    except NotCanonical:
        return
    if content.startswith(b"{"):
        assert canonical.canonical_object(canonical.members(content)) == content
    elif content.startswith(b"["):
        assert canonical.canonical_array(canonical.elements(content)) == content


@pytest.mark.parametrize("content", [b"null", b'"a"', b"1", rb'["\ud800"]', rb'{"a":"\ud800"}'])
def test_what_is_no_container_has_no_parts(content: bytes) -> None:
    if not content.startswith(b"{"):
        with pytest.raises(TypeError, match="is no JSON object"):
            canonical.members(content)
    if not content.startswith(b"["):
        with pytest.raises(TypeError, match="is no JSON array"):
            canonical.elements(content)


@given(st.text())
def test_a_text_is_written_as_in_a_document(text: str) -> None:
    content = canonical.canonical_text(text)
    assert canonical.decode(content)[:2] == (text, content)


_LOSSY = [
    (rb'"\u0000"', '"\ufffd"', True),
    (rb'{"a\u0000b":[1]}', '{"a\ufffdb":[1]}', True),
    (rb'"\ud800\udfffx"', '"\U000103ffx"', False),
    (rb'"\udfff\ud800"', '"\ufffd\ufffd"', True),
    (rb'"\\u0000"', r'"\\u0000"', False),
    (rb'"\\\u0000"', r'"\\' + '\ufffd"', True),
    (rb'"\\\\u0000 \\ud800"', r'"\\\\u0000 \\ud800"', False),
    (rb'"\u0001\n"', r'"\u0001\n"', False),
    (b'"plain"', '"plain"', False),
]


@pytest.mark.parametrize(("raw", "replaced", "is_lossy"), _LOSSY)
def test_what_jsonb_cannot_hold_has_a_stand_in(raw: bytes, replaced: str, is_lossy: bool) -> None:
    content = canonical.canonical(raw)
    assert canonical.lossy(content) is is_lossy
    assert canonical.stand_in(content) == replaced.encode()


@given(STRINGS.map(str.encode))
def test_a_stand_in_stands_for_each_character_that_jsonb_lacks_and_no_other(raw: bytes) -> None:
    value, content, _ = canonical.decode(raw)
    expected = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in value)
    assert canonical.decode_tree(canonical.stand_in(content)) == expected
    assert canonical.lossy(content) is (value != expected)
