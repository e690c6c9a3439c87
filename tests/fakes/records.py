"""Audit records for tests: complete, small, and distinct by uid."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from archiver.domain.metadata import Key
from archiver.domain.record import AuditRecord

CLUSTER = "7f9c2a52-3f0e-4a53-9b7e-0d5f4f0f7a11"
BORN = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def record(name: str = "rp-1", *, body: Any = "first", **changes: Any) -> AuditRecord:
    """A record of the object `name`; `body` is part of its evidence, `changes` replace fields."""
    created_at: datetime = changes.pop("created_at", BORN)
    uid: str = changes.pop("uid", str(uuid.uuid5(uuid.NAMESPACE_URL, name)))
    content: bytes = changes.pop("content", None) or evidence(name, uid, created_at, body)
    plain = AuditRecord(
        key=Key(uid, nanoseconds(created_at)),
        namespace="kubernaut",
        name=name,
        api_version="remediationprocessing.kubernaut.io/v1",
        kind="RemediationProcessing",
        resource_version=100,
        generation=2,
        created_at=created_at,
        content=content,
        content_sha256=hashlib.sha256(content).hexdigest(),
        circumstances=b'{"annotations":{"team":"sre"},"labels":{"app":"checkout"}}',
        remediation_id="rr-1",
        alert_fingerprint="mem-pressure-prod-123",
        processing_phases=phases(timedelta(seconds=1.5)),
        enrichment_quality=0.95,
        enrichment_sources=["kubernetes", "prometheus"],
        context_size_bytes=8123,
        environment="production",
        confidence=0.9,
        business_priority="P1",
        sla_requirement="5m",
        routed_to_service="ai-analysis",
        routing_priority=7,
        completed_at=created_at + timedelta(seconds=30),
        status="completed",
        error_message=None,
        flags=["missing:routing.duration"],
    )
    return msgspec.structs.replace(plain, **changes)


def evidence(name: str, uid: str, created_at: datetime, body: Any) -> bytes:
    """Canonical JSON of an object with this body in its spec."""
    whole = {
        "apiVersion": "remediationprocessing.kubernaut.io/v1",
        "kind": "RemediationProcessing",
        "metadata": {
            "creationTimestamp": created_at.isoformat().replace("+00:00", "Z"),
            "name": name,
            "namespace": "kubernaut",
            "uid": uid,
        },
        "spec": {"body": body},
        "status": {"phase": "completed"},
    }
    return json.dumps(whole, separators=(",", ":"), sort_keys=True).encode()


def phases(enriching: timedelta) -> list[dict[str, Any]]:
    """processing_phases whose enrichment took so long."""
    return [
        {
            "phase": "enriching",
            "start_time": "2024-01-05T12:00:00Z",
            "end_time": "2024-01-05T12:00:01.5Z",
            "duration": f"PT{enriching.total_seconds()}S",
            "durationNs": enriching // timedelta(microseconds=1) * 1000,
            "enrichmentResults": {
                "contextQuality": 0.95,
                "contextSizeBytes": 8123,
                "contextSources": 2,
                "degradedMode": False,
            },
        },
        {
            "phase": "classifying",
            "start_time": None,
            "end_time": None,
            "duration": None,
            "durationNs": None,
            "classificationResults": {
                "environment": "production",
                "confidence": 0.9,
                "businessPriority": "P1",
                "classificationMethod": "rego",
            },
        },
    ]


def nanoseconds(at: datetime) -> int:
    """Nanoseconds since the epoch."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
