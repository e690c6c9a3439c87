"""`archiver get -o yaml` gives back what was stored, to the letter."""

import json

import pytest
import yaml
from hypothesis import given

from archiver.cli.exact_yaml import exact_yaml
from archiver.domain.canonical import NotCanonical, canonical
from archiver.files.yaml_text import to_json
from tests.unit.domain.json_texts import DOCUMENTS


@pytest.mark.parametrize(
    "literal",
    ["1.10", "-0.0", "-0", "18446744073709551616", "7", "1234567.5"],
)
def test_a_number_is_the_literal_that_was_stored(literal: str) -> None:
    document = exact_yaml(f'{{"a":{literal}}}'.encode())
    assert document == f"a: {literal}\n"
    assert yaml.safe_load(document) == {"a": json.loads(literal)}


@pytest.mark.parametrize(
    "literal",
    [
        "1E3",
        "1e-7",
        "-1e-7",
        "1e+21",
        "0e5",
        "5e-324",
        "1.0E2",
        "1.0E+2",
        "1.5e-7",
        "1.2345675e+06",
    ],
)
def test_a_number_with_an_exponent_has_a_tag_that_keeps_it_as_it_is(literal: str) -> None:
    document = exact_yaml(f'{{"a":{literal}}}'.encode())
    assert document == f"a: !!float {literal}\n"
    assert yaml.safe_load(document) == {"a": json.loads(literal)}
    assert to_json(document.encode()).text == f'{{"a":{literal}}}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        *("1E3", "8e10", "1.e3", "12e-3", "1.10", "-0", "007", "08", "0o17", "0x1F", "1:30", ".5"),
        *(
            "true",
            "null",
            "~",
            "",
            "on",
            "y",
            "N",
            "Y",
            "2024-01-01",
            "*a",
            "&a",
            "!t",
            "<<",
            "=",
            "-",
        ),
        *("a: b", "a #b", "a\u0085b", " a", "a ", "é", "a\u2028b", "\ufeff"),
    ],
)
def test_text_that_somebody_may_take_for_something_else_is_quoted(text: str) -> None:
    document = exact_yaml(f'{{"a":"{text}"}}'.encode())
    assert document.startswith('a: "')
    assert to_json(document.encode()).text == f'{{"a":"{text}"}}'.encode()


@pytest.mark.parametrize("text", ["Completed", "kube-system", "apps/v1", "a.b.c", "prod_eu"])
def test_names_and_words_are_written_plain(text: str) -> None:
    assert exact_yaml(f'{{"{text}":"{text}"}}'.encode()) == f"{text}: {text}\n"


def test_long_text_stays_on_one_line() -> None:
    assert len(exact_yaml(b'{"a":"%s"}' % (b"word " * 1000)).splitlines()) == 1


def test_keys_keep_their_order_and_nothing_is_an_alias() -> None:
    assert exact_yaml(b'{"b":[1,1],"a":{"x":[1,1]}}') == "b:\n- 1\n- 1\na:\n  x:\n  - 1\n  - 1\n"


def _canonical(document: bytes) -> bytes:
    try:
        return canonical(document)
    except NotCanonical:
        return b""


# A lone surrogate is no Unicode: YAML has no way to say it, -o json has.
@given(DOCUMENTS.map(_canonical).filter(lambda stored: stored and b"\\ud" not in stored))
def test_what_is_written_is_read_back_as_the_same_bytes(stored: bytes) -> None:
    read = to_json(exact_yaml(stored).encode())
    assert not read.problem
    assert canonical(read.text) == stored
