"""A made-up batch that is inserted and rolled back, to prove that a real one would go in."""

import time
from uuid import uuid4

from archiver.domain import canonical, gotime
from archiver.domain.metadata import Key
from archiver.domain.record import AuditRecord
from archiver.ports import Batch, Quarantined


def batch() -> Batch:
    """One record and one quarantined object of a cluster that does not exist, born now."""
    uid = str(uuid4())
    return Batch(
        run_id="proof",
        cluster_id=str(uuid4()),
        records=[_record(uid)],
        quarantined=[Quarantined("proof", "proof", "rolled back", uid.encode(), uid)],
    )


def _record(uid: str) -> AuditRecord:
    now = time.time_ns()
    born = gotime.to_datetime(now)
    content = b'{"metadata":{}}'
    return AuditRecord(
        key=Key(uid, now),
        namespace="proof",
        name="proof",
        api_version="v1",
        kind="Proof",
        resource_version=0,
        generation=0,
        created_at=born,
        content=content,
        content_sha256=canonical.sha256_hex(content),
        circumstances=b"{}",
        remediation_id=None,
        alert_fingerprint=None,
        processing_phases=[],
        enrichment_quality=None,
        enrichment_sources=None,
        context_size_bytes=None,
        environment=None,
        confidence=None,
        business_priority=None,
        sla_requirement=None,
        routed_to_service=None,
        routing_priority=None,
        completed_at=born,
        status=None,
        error_message=None,
        flags=[],
    )
