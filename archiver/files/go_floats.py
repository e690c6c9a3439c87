"""Floats as Go programs write them: two forms of one double."""

import math
import re
from decimal import Decimal

_WITH_EXPONENT = re.compile(r"-?[0-9](?:\.[0-9]+)?e[-+][0-9]{2,}")
# Of Go's encoding/json: outside of these a number has an exponent.
_SMALLEST, _LARGEST = 1e-6, 1e21


def json_form(literal: str) -> str:
    """What the API server writes in JSON for a number that kubectl writes so in YAML.

    kubectl takes each number that is no integer of 64 bits for a double, and writes it in YAML as
    strconv.FormatFloat does by 'g': 1234567.5 is 1.2345675e+06. The API server and `kubectl -o
    json` write it as encoding/json does. What no Go program writes in the first form is returned
    as it is.
    """
    if not _WITH_EXPONENT.fullmatch(literal):
        return literal
    value = float(literal)
    if not math.isfinite(value) or _by_g(value) != literal:
        return literal
    if _SMALLEST <= abs(value) < _LARGEST:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return literal.replace("e-0", "e-")


def _by_g(value: float) -> str:
    """With the fewest digits that are of this double alone, and always with an exponent."""
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - for the type checker: it is finite
    first, *others = map(str, digits)
    point = "." if others else ""
    power = exponent + len(others)
    return f"{'-' * sign}{first}{point}{''.join(others)}e{power:+03d}"
