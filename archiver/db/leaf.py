"""The fingerprint of a row, for the batch manifest. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

import msgspec

from archiver.db import schema

# Not what the database generates, nor the voucher, which it takes back by itself.
_NO_PART: Final = {"content_sha256", "json_form", "vouched_plain"}
_PARTS: Final = tuple(sorted({str(c.name) for c in schema.revision.columns} - _NO_PART))
_in_order: Final = itemgetter(*_PARTS)
_AT: Final = {name: at for at, name in enumerate(_PARTS)}
_TIMES: Final = tuple(_AT[n] for n in ("created_at", "completed_at", "deleted_at", "archived_at"))
_NUMBERS: Final = tuple(_AT[name] for name in ("enrichment_quality", "confidence"))
_VERSION: Final = b"archiver leaf 1\n"
# An object with these keys, in this order, without looking at them for each row.
_Row: Final[Any] = msgspec.defstruct("_Row", [(name, Any) for name in _PARTS])
_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode
_ENDS: Final = (b".0,", b".0]", b".0}")
_AS_DIGITS: Final = bytes(ord("0") if chr(b).isdigit() else b for b in range(128)) + bytes(128)


def leaf(
    values: Mapping[str, Any], content_sha256: str | None = None, phases: bytes | None = None
) -> bytes:
    """The SHA-256 of all columns, equal for the row that was written and the row read back.

    Bytes count by their SHA-256, times as UTC, numbers by their value and not by how they are
    written. What the caller has made already may be given: the SHA-256 of content in hex digits,
    and `phases_of` the values.
    """
    row = list(_in_order(values))
    row[_AT["content"]] = content_sha256 or hashlib.sha256(values["content"]).hexdigest()
    row[_AT["circumstances"]] = hashlib.sha256(values["circumstances"]).hexdigest()
    written = phases_of(values) if phases is None else phases
    row[_AT["processing_phases"]] = _settled_phases(values["processing_phases"], written)
    for at in _TIMES:
        row[at] = _in_utc(row[at])
    for at in _NUMBERS:
        row[at] = None if row[at] is None else _digits(row[at])
    return hashlib.sha256(_VERSION + _encode(_Row(*row))).digest()


def phases_of(values: Mapping[str, Any]) -> bytes:
    """processing_phases as JSON."""
    return _encode_sorted(values["processing_phases"])


def _in_utc(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo is UTC else at.astimezone(UTC)


def _digits(number: Decimal) -> str:
    if not number:
        return "0"
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _settled_phases(phases: Any, written: bytes) -> msgspec.Raw:
    """Numbers that jsonb gives back in another way look like this, and so does some text."""
    digits = written.translate(_AS_DIGITS)
    if b"0e" in digits or b"0" * 19 in digits or any(end in written + b"," for end in _ENDS):
        written = _encode_sorted(_settled(phases))
    return msgspec.Raw(written)


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
