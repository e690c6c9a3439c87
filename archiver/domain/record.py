"""The audit record: one revision of one object, as the table holds it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from archiver.domain.metadata import Key

# The flag of a record whose bytes jsonb cannot hold as they are.
LOSSY: Final = "lossy"
# The flag of a later revision from a file: nothing but its resourceVersion says that it is later.
ORDER_BY_RESOURCE_VERSION: Final = "order-by-resource-version"


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row to be. Times are aware UTC datetimes, floored to microseconds.

    A value that is missing or cannot be trusted is None and has a flag; the bytes stay exact.
    `content` is the evidence in canonical JSON (apiVersion, kind, identity, spec, status and any
    further top-level field),
    `content_sha256` its SHA-256 as 64 hex digits, `circumstances` the rest of metadata as it was,
    in canonical JSON and no part of the digest. `processing_phases` is JSON-ready, with doubles; a
    column has the number as it was written, a Decimal where a double may hold less than that.
    What the store adds: revision, archived_at, run_id, cluster_id, batch.
    """

    key: Key
    namespace: str
    name: str
    api_version: str
    kind: str
    resource_version: int
    generation: int
    created_at: datetime
    content: bytes
    content_sha256: str
    circumstances: bytes
    remediation_id: str | None
    alert_fingerprint: str | None
    processing_phases: Sequence[dict[str, Any]]
    enrichment_quality: float | Decimal | None
    enrichment_sources: Sequence[str] | None
    context_size_bytes: int | None
    environment: str | None
    confidence: float | Decimal | None
    business_priority: str | None
    sla_requirement: str | None
    routed_to_service: str | None
    routing_priority: int | None
    completed_at: datetime
    status: str | None
    error_message: str | None
    flags: Sequence[str]
    deleted_at: datetime | None = None

    def as_revision(self, number: int, *, live: bool) -> "AuditRecord":
        """The record as it is stored. What a file says after another state has a flag.

        What the cluster said after the state of a file, no file can tell; and of a state that came
        back the archive keeps no further row.
        """
        if live or number == 0:
            return self
        return msgspec.structs.replace(self, flags=(*self.flags, ORDER_BY_RESOURCE_VERSION))
