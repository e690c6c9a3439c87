"""Realistic resources as the API server lists them, and what a run decides on them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_DNS, uuid5

from archiver.domain import gotime
from archiver.domain.custom_resource import parse
from archiver.domain.plan import Archive, Terms, plan
from archiver.domain.policy import Policy
from tests.resources import Shape, as_stored, draw, written

CLUSTER: Final = "7f9c2a52-3f0e-4a53-9b7e-0d5f4f0f7a11"
STORE: Final = "0b0e5a0e-6f0c-4d8b-9d70-6d4a3f0a9e11"
_SHAPES: Final[tuple[Shape, ...]] = ("A", "B", "C")


def terms() -> Terms:
    """Of a backfill that begins now."""
    now = gotime.from_datetime(datetime.now(UTC))
    return Terms(Policy(everything=True), now, "run", STORE)


def archives(count: int, *, salt: str = "", context_bytes: int = 8192) -> Iterator[Archive]:
    """What `plan` decides for `count` completed resources, a third of each shape."""
    at = terms()
    for raw in listed(count, salt=salt, context_bytes=context_bytes):
        decision = plan(parse(raw, position=""), at)
        assert isinstance(decision, Archive)
        yield decision


def listed(count: int, *, salt: str = "", context_bytes: int = 8192) -> Iterator[bytes]:
    """The bytes of `count` completed resources as a list has them, managedFields included."""
    now = datetime.now(UTC)
    for number in range(count):
        incident = draw(
            f"{salt}{number}",
            now=now,
            completed_ago=timedelta(hours=20, seconds=number),
            phase="failed" if number % 7 == 0 else "completed",
            context_bytes=context_bytes,
        )
        created = gotime.format_time(incident.timeline.created)
        whole = as_stored(written(incident, _SHAPES[number % 3]), creation_timestamp=created)
        whole["metadata"]["uid"] = str(uuid5(NAMESPACE_DNS, f"{salt}{number}"))
        whole["metadata"]["managedFields"] = [
            {
                "apiVersion": whole["apiVersion"],
                "fieldsType": "FieldsV1",
                "fieldsV1": {f"f:{part}": _fields(whole[part]) for part in parts},
                "manager": "controller",
                "operation": "Update",
                "time": created,
            }
            for parts in (("metadata", "spec"), ("status",))
        ]
        yield as_listed(whole)


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {".": {}} | {f"f:{key}": _fields(item) for key, item in value.items()}


def as_listed(whole: Any) -> bytes:
    """As Go's encoding/json writes it: keys sorted, no spaces, three characters escaped."""
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()
