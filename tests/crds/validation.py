"""Checks an object against a structural schema as the API server would, without one.

Only the keywords that these manifests use; one that is not known here is an error rather than
passed over, lest a schema grow stricter than what is tested. CEL rules are the server's: the only
one compares an update with what it replaces.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.crds import Object

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_DATE_TIME: Final = re.compile(
    r"\d{4}-[01]\d-[0-3]\d[Tt][0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?([Zz]|[+-]\d{2}:\d{2})"
)


def problems(crd: Object, value: Object) -> list[str]:
    """What the served schema of `crd` has against an object, as `path: complaint`; pruned fields
    too."""
    version = value["apiVersion"].rpartition("/")[2]
    schemas = {served["name"]: served["schema"] for served in crd["spec"]["versions"]}
    body = {key: part for key, part in value.items() if key != "metadata"}
    return list(_check(schemas[version]["openAPIV3Schema"], body, ""))


def _check(schema: Object, value: Any, path: str) -> Iterator[str]:
    wanted = schema.get("type")
    if wanted and not _has_type(value, wanted):
        yield f"{path}: {type(value).__name__} where {wanted} is wanted"
        return
    for keyword, limit in schema.items():
        for complaint in _KEYWORDS[keyword](limit, value):
            yield f"{path}: {complaint}"
    if isinstance(value, dict):
        yield from _check_members(schema, value, path)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _check(schema["items"], item, f"{path}[{number}]")


def _has_type(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _TYPES[wanted])


def _check_members(schema: Object, value: Object, path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for key, member in value.items():
        if key in properties:
            yield from _check(properties[key], member, f"{path}.{key}")
        elif others is not None:
            yield from _check(others, member, f"{path}.{key}")
        elif not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield f"{path}.{key}: would be pruned"


def _required(names: list[str], value: Any) -> Iterator[str]:
    yield from (f"{name} is missing" for name in names if name not in value)


def _any_of(alternatives: list[Object], value: Any) -> Iterator[str]:
    if all(any(_required(one["required"], value)) for one in alternatives):
        yield f"none of {alternatives} holds"


def _all_of(parts: list[Object], value: Any) -> Iterator[str]:
    for part in parts:
        yield from _any_of(part["anyOf"], value)


def _enum(allowed: list[Any], value: Any) -> Iterator[str]:
    if value not in allowed:
        yield f"{value!r} is none of {allowed}"


def _pattern(pattern: str, value: Any) -> Iterator[str]:
    if not re.search(pattern, value):
        yield f"{value!r} does not match {pattern}"


def _format(name: str, value: Any) -> Iterator[str]:
    if name == "date-time" and not _DATE_TIME.fullmatch(value):
        yield f"{value!r} is no date-time"
    if name == "byte":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            yield "not base64"


def _limit(exceeds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Iterator[str]]:
    def check(limit: Any, value: Any) -> Iterator[str]:
        if exceeds(value, limit):
            yield f"{value!r} is beyond {limit}"

    return check


def _nothing(_limit: Any, _value: Any) -> Iterator[str]:
    return iter(())


_KEYWORDS: Final[dict[str, Callable[[Any, Any], Iterator[str]]]] = {
    "required": _required,
    "anyOf": _any_of,
    "allOf": _all_of,
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "minimum": _limit(lambda value, limit: value < limit),
    "maximum": _limit(lambda value, limit: value > limit),
    "minLength": _limit(lambda value, limit: len(value) < limit),
    "maxLength": _limit(lambda value, limit: len(value) > limit),
    **dict.fromkeys(
        [
            "type",
            "description",
            "properties",
            "additionalProperties",
            "items",
            "nullable",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-validations",
            "x-kubernetes-map-type",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
        ],
        _nothing,
    ),
}
