"""An audit record as a row of archive.revision. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from archiver.db import schema
from archiver.db.leaf import leaf, phases_of
from archiver.domain import gotime
from archiver.domain.record import LOSSY, AuditRecord

# What the database generates is no part of a row: content_sha256, json_form.
COLUMNS: Final = tuple(str(c.name) for c in schema.revision.columns if c.computed is None)
_TAKEN_OVER: Final = tuple(name for name in COLUMNS if name in AuditRecord.__struct_fields__)
_taken_over: Final = attrgetter(*_TAKEN_OVER)
# PostgreSQL gives up at about 12,000 levels with the stack it has by default.
_SURELY_SHALLOW: Final = 5_000
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
# Faster than to look for two bytes.
_UNICODE_ESCAPE: Final = re.compile(rb"\\u")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one transaction adds to each of its rows. `archived_at` is the transaction's now()."""

    batch_id: UUID
    cluster_id: UUID
    run_id: str
    archived_at: datetime


class Row(msgspec.Struct, frozen=True):
    """A row to be: its values by column, the SHA-256 of them all and, in hex, of the content.

    `phases` is processing_phases as JSON.
    """

    values: Mapping[str, Any]
    phases: bytes
    leaf: bytes
    digest: str


def row_of(record: AuditRecord, revision: int, envelope: Envelope) -> Row:
    """The row of a record. Raises ValueError for text that is no Unicode (a lone surrogate)."""
    values: dict[str, Any] = dict(zip(_TAKEN_OVER, _taken_over(record), strict=True))
    values["created_at"] = gotime.to_datetime(record.key.created_at)
    values["uid"] = record.key.uid
    values["revision"] = revision
    values["batch_id"] = envelope.batch_id
    values["cluster_id"] = envelope.cluster_id
    values["run_id"] = envelope.run_id
    values["archived_at"] = envelope.archived_at
    values["id"] = object_id(envelope.cluster_id, record.key.uid)
    values["enrichment_quality"] = _exact(record.enrichment_quality)
    values["confidence"] = _exact(record.confidence)
    values["vouched_plain"] = LOSSY not in record.flags and (
        _is_plain(record.content) and _is_plain(record.circumstances)
    )
    phases = phases_of(values)
    made = leaf(values, record.content_sha256, phases)
    return Row(values, phases, made, record.content_sha256)


def object_id(cluster_id: UUID, uid: str) -> UUID:
    """The audit record's id: UUIDv5 (RFC 9562) of the object's uid, in the cluster's namespace."""
    return uuid5(cluster_id, uid)


def _exact(number: float | Decimal | None) -> Decimal | None:
    """The decimal number that a float was read from."""
    if number is None or isinstance(number, Decimal):
        return number
    return Decimal(repr(number))


def _is_plain(json: bytes) -> bool:
    r"""Whether jsonb surely holds this canonical JSON as it is.

    Canonical JSON escapes as `\u` only control characters and what jsonb cannot hold; which of
    them, and what is nested deeper, the database finds out by itself.
    """
    if _UNICODE_ESCAPE.search(json):
        return False
    # What is opened is closed again.
    most = 2 * _SURELY_SHALLOW
    return len(json) <= most or len(json.translate(None, _NO_BRACKETS)) <= most
