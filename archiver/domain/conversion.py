"""Converts an object into its audit record: reads every field of the table in `shapes`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from archiver.domain import gotime, shapes
from archiver.domain.completion import Completion
from archiver.domain.custom_resource import CustomResource
from archiver.domain.evidence import Evidence, size_at
from archiver.domain.literal import TooFine, share
from archiver.domain.reading import MISSING, Reader, follow
from archiver.domain.record import LOSSY, AuditRecord

_MAX_BIGINT: Final = 2**63 - 1
_LONGEST_BIGINT: Final = len(str(_MAX_BIGINT))
_SECOND: Final = 1_000_000_000
_NO_DURATION: Final = {"duration": None, "durationNs": None}


def convert(
    resource: CustomResource, evidence: Evidence, completion: Completion, notes: Sequence[str] = ()
) -> AuditRecord:
    """The audit record of an object. Never raises: what cannot be trusted is None with a flag.

    `notes` are flags of the plan (`incomplete`, `completed-in-future`).
    """
    reader = Reader(evidence.tree, [*notes, *completion.flags])
    status = reader.first("status", shapes.PHASE)
    failed = shapes.normal_phase(status) == "failed"
    columns: dict[str, Any] = {name: reader.first(name, at) for name, at in _COLUMNS.items()}
    exact = {} if evidence.shortest else _exact(reader, evidence, columns)
    deleted_at = _deleted_at(resource, reader)
    context, span = _enrichment(evidence.tree)
    enriching = _enriching(reader, resource, span, completion)
    size = _context_size(reader, evidence, context)
    if not evidence.fits_jsonb:
        reader.flags.append(LOSSY)
    return AuditRecord(
        key=resource.key,
        namespace=resource.metadata.namespace,
        name=resource.metadata.name,
        api_version=resource.api_version,
        kind=resource.kind,
        resource_version=_resource_version(resource, reader),
        generation=_generation(resource, reader),
        created_at=gotime.to_datetime(resource.key.created_at),
        content=evidence.content,
        content_sha256=evidence.digest,
        circumstances=evidence.circumstances,
        processing_phases=_phases(reader, enriching, columns, size),
        context_size_bytes=size,
        completed_at=gotime.to_datetime(completion.at),
        status=status,
        error_message=reader.first("error_message", shapes.ERROR_MESSAGE) if failed else None,
        flags=tuple(dict.fromkeys(reader.flags)),
        deleted_at=deleted_at,
        **columns | exact,
    )


_COLUMNS: Final = {
    "remediation_id": shapes.REMEDIATION_ID,
    "alert_fingerprint": shapes.ALERT_FINGERPRINT,
    "enrichment_quality": shapes.ENRICHMENT_QUALITY,
    "enrichment_sources": shapes.ENRICHMENT_SOURCES,
    "environment": shapes.ENVIRONMENT,
    "confidence": shapes.CONFIDENCE,
    "business_priority": shapes.BUSINESS_PRIORITY,
    "sla_requirement": shapes.SLA_REQUIREMENT,
    "routed_to_service": shapes.ROUTED_TO_SERVICE,
    "routing_priority": shapes.ROUTING_PRIORITY,
}


_SHARES: Final = ("enrichment_quality", "confidence")


def _exact(reader: Reader, evidence: Evidence, columns: dict[str, Any]) -> dict[str, Decimal]:
    """The literals of what was read as doubles; those that fit no column are taken out of it."""
    exact = {}
    for name in _SHARES:
        if columns[name] is not None:
            try:
                exact[name] = share(evidence.content, _COLUMNS[name])
            except TooFine:
                reader.flags.append(f"out-of-range:{name}")
                columns[name] = None
    return exact


def _resource_version(resource: CustomResource, reader: Reader) -> int:
    text = resource.metadata.resource_version
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_BIGINT:
        number = int(text)
        if number <= _MAX_BIGINT:
            return number
    reader.flags.append("missing:resource_version" if not text else "opaque:resource_version")
    return 0


def _generation(resource: CustomResource, reader: Reader) -> int:
    if -_MAX_BIGINT <= resource.metadata.generation <= _MAX_BIGINT:
        return resource.metadata.generation
    reader.flags.append("out-of-range:generation")
    return 0


def _deleted_at(resource: CustomResource, reader: Reader) -> Any:
    # No part of the evidence.
    text = resource.metadata.deletion_timestamp
    if not text:
        return None
    metadata = {"metadata": {"deletionTimestamp": text}}
    at = Reader(metadata, reader.flags).quiet("deleted_at", shapes.DELETED_AT)
    return None if at is None else gotime.to_datetime(at)


def _enrichment(tree: Any) -> tuple[str, shapes.Span]:
    for enrichment in shapes.ENRICHMENTS:
        if follow(tree, enrichment.steps) is not MISSING:
            return enrichment.context, enrichment.span
    return shapes.NO_ENRICHMENT.context, shapes.NO_ENRICHMENT.span


def _context_size(reader: Reader, evidence: Evidence, context: str) -> int | None:
    size = size_at(evidence.content, context) if context else None
    if size is None:
        reader.flags.append("missing:context_size_bytes")
    return size


def _enriching(
    reader: Reader, resource: CustomResource, span: shapes.Span, completion: Completion
) -> dict[str, Any]:
    phase = _span(reader, "enriching", span)
    said = Reader(reader.tree).first("start", span.start)
    start = resource.key.created_at if said is None else said
    # meta/v1 times have whole seconds, others may have more: a part of a second proves nothing.
    if completion.at // _SECOND >= start // _SECOND:
        return phase
    reader.flags.append("completed-before-start")
    return phase | _NO_DURATION


def _phases(
    reader: Reader, enriching: dict[str, Any], columns: dict[str, Any], size: int | None
) -> list[dict[str, Any]]:
    sources = columns["enrichment_sources"]
    return [
        {
            **enriching,
            "enrichmentResults": {
                "contextQuality": columns["enrichment_quality"],
                "contextSizeBytes": size,
                "contextSources": None if sources is None else len(sources),
                "degradedMode": reader.quiet("degraded_mode", shapes.DEGRADED_MODE),
            },
        },
        {
            **_span(reader, "classifying", shapes.CLASSIFYING),
            "classificationResults": {
                "environment": columns["environment"],
                "confidence": columns["confidence"],
                "businessPriority": columns["business_priority"],
                "classificationMethod": reader.quiet(
                    "classification_method", shapes.CLASSIFICATION_METHOD
                ),
            },
        },
        {
            **_span(reader, "routing", shapes.ROUTING),
            "routingResults": {
                "routedToService": columns["routed_to_service"],
                "routingPriority": columns["routing_priority"],
                "routingKey": reader.quiet("routing_key", shapes.ROUTING_KEY),
            },
        },
    ]


def _span(reader: Reader, phase: str, span: shapes.Span) -> dict[str, Any]:
    start = reader.quiet(f"{phase}.start_time", span.start)
    end = reader.quiet(f"{phase}.end_time", span.end)
    before = len(reader.flags)
    lasted = reader.quiet(f"{phase}.duration", span.duration)
    if start is not None and end is not None:
        if end < start:
            reader.flags.append(f"end-before-start:{phase}")
            lasted = None
        elif lasted is None and len(reader.flags) == before:
            lasted = _nanoseconds(reader, phase, end - start)
    return {
        "phase": phase,
        "start_time": None if start is None else gotime.format_time(start),
        "end_time": None if end is None else gotime.format_time(end),
        "duration": None if lasted is None else gotime.iso8601(lasted),
        "durationNs": lasted,
    }


def _nanoseconds(reader: Reader, phase: str, lasted: int) -> int | None:
    """As Go's time.Duration has it, 64 bits: about 292 years. The index on it is a bigint too."""
    if lasted <= _MAX_BIGINT:
        return lasted
    reader.flags.append(f"out-of-range:{phase}.duration")
    return None
