"""kubectl's YAML says numbers otherwise than its JSON; both are of one double."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.files.go_floats import json_form
from archiver.files.yaml_text import to_json


# As Go 1.26 prints: strconv.FormatFloat(x, 'g', -1, 64), and encoding/json of the same x.
@pytest.mark.parametrize(
    ("by_kubectl", "by_the_server"),
    [
        ("1.2345675e+06", "1234567.5"),
        ("-1.2345675e+06", "-1234567.5"),
        ("5e-05", "0.00005"),
        ("1e-06", "0.000001"),
        ("1e-07", "1e-7"),
        ("-2.5e-10", "-2.5e-10"),
        ("1e+20", "100000000000000000000"),
        ("1e+21", "1e+21"),
        ("1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("5e-324", "5e-324"),
    ],
)
def test_the_literal_of_the_api_server_is_found_again(by_kubectl: str, by_the_server: str) -> None:
    assert json_form(by_kubectl) == by_the_server


@pytest.mark.parametrize(
    "literal",
    [
        "0.5", "1.50", "12", "-0", "1E3", "1e3", "1e5", "1e+5", "1.0e+06", "12.5e+06", "1e400",
        "1e+400", "0.1000000000000000055e+07", "1.00000000000000000001e+06", "0e+00", "1e+006",
    ],
)  # fmt: skip
def test_what_no_go_program_writes_is_left_as_it_is(literal: str) -> None:
    assert json_form(literal) == literal


def test_yaml_of_kubectl_and_of_the_archiver_are_told_apart() -> None:
    converted = to_json(b"kubectl: 1.2345675e+06\narchiver: !!float 1.2345675e+06\n")
    assert converted.text == b'{"kubectl":1234567.5,"archiver":1.2345675e+06}'


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 25))
def test_the_double_is_never_another(value: float, digits: int) -> None:
    for literal in (repr(value), f"{value:.{digits}e}"):
        assert float(json_form(literal)) == float(literal)
