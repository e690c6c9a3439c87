"""Hypothesis strategies for JSON texts, as others may write them: valid, odd and broken."""

from typing import Any, Final

from hypothesis import strategies as st

_PIECES: Final = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=5),
    st.sampled_from(
        [
            *(r"\"", r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"),
            *(r"\u0000", r"\u001f", r"\u001F", r"\u0008", r"\u000a", r"\u0020", r"\u007f", "\x7f"),
            *(r"\u003c", r"\u003E", r"\u0026", r"\u2028", r"\u2029", "\u2028", r"\\u003c"),
            *(r"\\\u003c", r"\\\\u003c", r"\\u0000", r"\u00e9", "é", "e\u0301", r"\uFFFD"),
            *(r"\ud83d\ude00", r"\uD83D\uDE00", "\U0001f600", "\uffff", "\x80"),
            *(r"\ud800", r"\uDFFF", r"\ude00\ud83d", r"\ud83d\ud83d\ude00", "[", "}", " ", ":"),
        ]
    ),
)
STRINGS: Final = st.lists(_PIECES, max_size=4).map(lambda pieces: f'"{"".join(pieces)}"')
NUMBERS: Final = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(
        [
            *("-0", "-0.0", "0e5", "1.10", "1E3", "1e-7", "1e+21", "1e400", "-1e400", "1e-400"),
            *("18446744073709551616", "-9223372036854775809", "9007199254740993.0"),
            *("1" + "0" * 308, "1" + "0" * 309, "9" * 309, "0." + "1" * 998, "0." + "1" * 999),
            *(f"{'1' * 308}.{'1' * 308}e-{'0' * 300}", "1e" + "0" * 1_000),
        ]
    ),
)
_SPACES: Final = st.sampled_from(["", "", "", " ", "\n\t", "\r\n  "])
_KEYS: Final = st.one_of(STRINGS, st.sampled_from(['"a"', '"b"', r'"\u0061"']))


def _spaced(text: str, before: str, after: str) -> str:
    return f"{before}{text}{after}"


def _joined(opening: str, items: st.SearchStrategy[str], closing: str) -> st.SearchStrategy[str]:
    joined = st.lists(items, max_size=5).map(",".join)
    return st.builds(lambda space, text: f"{opening}{space}{text}{closing}", _SPACES, joined)


def _containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    spaced = st.builds(_spaced, values, _SPACES, _SPACES)
    keys = st.builds(_spaced, _KEYS, _SPACES, _SPACES)
    members = st.builds(lambda key, value: f"{key}:{value}", keys, spaced)
    return _joined("[", spaced, "]") | _joined("{", members, "}")


# Keys may stand twice, numbers may be beyond every limit.
DOCUMENTS: Final = st.builds(
    _spaced,
    st.recursive(STRINGS | NUMBERS | st.sampled_from(["true", "false", "null"]), _containers),
    _SPACES,
    _SPACES,
).map(lambda text: text.encode("utf-8", "surrogatepass"))


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A document with some bytes taken out and others put in."""
    document = draw(DOCUMENTS)
    at = draw(st.integers(0, len(document)))
    until = draw(st.integers(at, min(at + 3, len(document))))
    inserted = draw(
        st.binary(max_size=3)
        | st.sampled_from(
            [b"[", b"}", b",", b":", b'"', b"\\", b"\\u", b"0", b"-", b".", b"e", b"NaN", b"\xef"]
        )
    )
    return document[:at] + inserted + document[until:]


_TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_SCALARS: Final = st.none() | st.booleans() | st.integers() | _TEXT
# Python values of which json.dumps knows the canonical form: no floats, no lone surrogates.
VALUES: Final[st.SearchStrategy[Any]] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=20
)
