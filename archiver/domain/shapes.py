"""Where each field of the record stands in the shapes of the resource that exist: one table.

Shape A is the design's `v1`, shape B the published `v1alpha1`, shape C its successor
`SignalProcessing`. A row lists the places in order; the first one that is there is read. The
shapes do not contradict one another, so no row asks which shape it has before it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

from archiver.domain.reading import (
    Alternative,
    Steps,
    boolean,
    duration,
    integer,
    number,
    parse_path,
    text,
    texts,
    time,
    true_flags,
)

TERMINAL: Final = frozenset({"completed", "failed"})
KNOWN: Final = TERMINAL | {"", "pending", "enriching", "classifying", "routing", "categorizing"}

# Index rows are limited to 2,704 bytes; these two are indexed, and the schema checks them.
_FINGERPRINT: Final = text(1024)
_ENVIRONMENT: Final = text(256)
_NAME: Final = text(1024)
_MESSAGE: Final = text(64 * 1024)
_UNIT: Final = number(0, 1)
_SOURCE_FLAGS: Final = true_flags("enableClusterState", "enableMetrics", "enableHistorical")

Places: TypeAlias = tuple[Alternative, ...]


def _at(read: Callable[[Any], Any], *paths: str) -> Places:
    return tuple(Alternative(path, read) for path in paths)


PHASE: Final = _at(_NAME, "status.phase")

REMEDIATION_ID: Final = _at(
    _NAME, "spec.remediationRequestRef.name", "spec.alertRemediationRef.name"
)
ALERT_FINGERPRINT: Final = _at(
    _FINGERPRINT, "spec.signal.fingerprint", "spec.alert.fingerprint", "spec.signalFingerprint"
)
ENVIRONMENT: Final = _at(
    _ENVIRONMENT, "status.environmentClassification.environment", "spec.environment"
)
CONFIDENCE: Final = _at(_UNIT, "status.environmentClassification.confidence")
BUSINESS_PRIORITY: Final = _at(
    _NAME,
    "status.environmentClassification.businessPriority",
    "status.priorityAssignment.priority",
    "spec.priority",
)
SLA_REQUIREMENT: Final = _at(
    _NAME,
    "status.environmentClassification.slaRequirement",
    "status.businessClassification.slaRequirement",
)
ENRICHMENT_QUALITY: Final = _at(
    _UNIT, "status.enrichmentResults.enrichmentQuality", "status.enrichmentQuality"
)
ENRICHMENT_SOURCES: Final = (
    *_at(texts, "spec.enrichmentConfig.contextSources"),
    *_at(_SOURCE_FLAGS, "spec.enrichmentConfig"),
)
DEGRADED_MODE: Final = _at(
    boolean,
    "status.degradedMode",
    "status.enrichmentResults.degradedMode",
    "status.kubernetesContext.degradedMode",
)
CLASSIFICATION_METHOD: Final = _at(
    _NAME,
    "status.environmentClassification.classificationMethod",
    "status.environmentClassification.source",
)
ROUTED_TO_SERVICE: Final = _at(_NAME, "status.routingDecision.nextService")
ROUTING_PRIORITY: Final = _at(integer(-(2**31), 2**31 - 1), "status.routingDecision.priority")
ROUTING_KEY: Final = _at(_NAME, "status.routingDecision.routingKey")
ERROR_MESSAGE: Final = _at(
    _MESSAGE,
    "status.conditions[type=Failed].message",
    "status.failureInfo.error",
    "status.error",
    "status.message",
)

# Ordered by trust; the first group whose value can be read wins, and any but the first is flagged.
COMPLETED_AT: Final = _at(time, "status.completionTime", "status.completedAt")
PHASE_ENDS: Final = _at(
    time,
    "status.enrichmentResults.completedAt",
    "status.classificationEndTime",
    "status.environmentClassification.classifiedAt",
)
CONDITION_TIME: Final = _at(time, "lastTransitionTime")
DELETED_AT: Final = _at(time, "metadata.deletionTimestamp")


@dataclass(frozen=True, slots=True)
class Span:
    """Where one processing phase says when it ran. Times are RFC 3339, durations Go's."""

    start: Places
    end: Places
    duration: Places = ()


@dataclass(frozen=True)
class Enrichment:
    """One shape's enrichment: known by its context, whose canonical bytes are counted."""

    context: str
    span: Span

    @cached_property
    def steps(self) -> Steps:
        """The way to the context."""
        return parse_path(self.context)


_STARTED: Final = _at(time, "status.startTime")
ENRICHMENTS: Final = (
    Enrichment(
        "status.enrichmentResults",
        Span(
            _at(time, "metadata.creationTimestamp"),
            _at(time, "status.enrichmentResults.completedAt"),
            _at(duration, "status.enrichmentResults.duration"),
        ),
    ),
    Enrichment("status.contextData", Span(_STARTED, ())),
    Enrichment("status.kubernetesContext", Span(_STARTED, ())),
)
NO_ENRICHMENT: Final = Enrichment("", Span(_STARTED, ()))

CLASSIFYING: Final = Span(
    _at(time, "status.classificationStartTime"),
    _at(time, "status.classificationEndTime", "status.environmentClassification.classifiedAt"),
    _at(duration, "status.classificationDuration"),
)
ROUTING: Final = Span((), ())

_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# Unicode's White_Space, as Go's strings.TrimSpace (and with it CEL's trim()) has it. Python's own
# strip() takes U+001C to U+001F besides, and then the guard and the plan would disagree.
_WHITE_SPACE: Final = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def normal_phase(phase: object) -> str:
    """A phase trimmed and in ASCII lower case, as the guard's CEL has it; "" if it is no text."""
    if not isinstance(phase, str):
        return ""
    return phase.strip(_WHITE_SPACE).translate(_LOWER)
