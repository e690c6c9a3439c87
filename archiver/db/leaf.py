"""The fingerprint of a row, for the batch manifest. Pure."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any, Final

import msgspec

from archiver.db import schema

# Not what the database generates, nor the voucher, which it takes back by itself.
_NO_PART: Final = {"content", "circumstances", "content_sha256", "json_form", "vouched_plain"}
_TIMES: Final = ("created_at", "completed_at", "deleted_at", "archived_at")
_NUMBERS: Final = ("enrichment_quality", "confidence")
_PLAIN: Final = tuple(
    name
    for name in sorted(str(column.name) for column in schema.revision.columns)
    if name not in {*_NO_PART, *_TIMES, *_NUMBERS, "processing_phases"}
)
_VERSION: Final = b"archiver leaf 1\n"
_encode: Final = msgspec.json.Encoder(order="sorted").encode
# Numbers that jsonb gives back written in another way, or what looks like one within a string.
_UNSETTLED: Final = re.compile(rb"\.0(?![0-9])|[0-9]e|[0-9]{19}")


def leaf(values: Mapping[str, Any], content_sha256: str | None = None) -> bytes:
    """The SHA-256 of all columns, equal for the row that was written and the row read back.

    Bytes count by their SHA-256 (that of content is made here unless given, in hex digits), times
    as UTC, numbers by their value and not by how they are written.
    """
    row = {name: values[name] for name in _PLAIN}
    row["content"] = content_sha256 or hashlib.sha256(values["content"]).hexdigest()
    row["circumstances"] = hashlib.sha256(values["circumstances"]).hexdigest()
    row["processing_phases"] = _phases(values["processing_phases"])
    for name in _TIMES:
        row[name] = values[name] and values[name].astimezone(UTC)
    for name in _NUMBERS:
        row[name] = None if values[name] is None else _digits(values[name])
    return hashlib.sha256(_VERSION + _encode(row)).digest()


def _digits(number: Decimal) -> str:
    if not number:
        return "0"
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _phases(phases: Any) -> msgspec.Raw:
    written = _encode(phases)
    return msgspec.Raw(_encode(_settled(phases)) if _UNSETTLED.search(written) else written)


def _settled(value: Any) -> Any:
    """JSON as it comes back from jsonb, which knows no negative zero and writes 1E22 in full."""
    kind = type(value)
    if kind is dict:
        return {key: _settled(item) for key, item in value.items()}
    if kind in (list, tuple):
        return [_settled(item) for item in value]
    if kind is float and value.is_integer():
        value, kind = int(Decimal(repr(value))), int
    # A longer integer msgspec does not write.
    return str(value) if kind is int and value.bit_length() > 63 else value
