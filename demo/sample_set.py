"""The 50 sample resources: 36 terminal and due, 6 terminal but not yet due, 8 in processing.

Among the due ones are 3 failed with their error text, 2 with a degraded context, 4 with an
enrichment slower than 2 seconds, and three that must not stop the rest: a phase with blanks around
it, a duration that is none, a log with U+0000 in it. All belong to a RemediationRequest, as in a
cluster; the archiver takes one whose owner is gone for one about to be deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tests.resources import (
    Object,
    Parent,
    Shape,
    as_stored,
    draw,
    remediation_request,
    uid_of,
    written,
)
from tests.resources.alerts import ALERTS, WORKLOADS
from tests.resources.gotext import SECOND, meta_time
from tests.resources.incident import Incident, fingerprint_of

NAMESPACE: Final = "kubernaut-system"
_RETENTION: Final = timedelta(hours=24)
_LARGE: Final = 8192
_SMALL: Final = 1800
_ALERTS: Final = {alert.name: alert for alert in ALERTS}
_WORKLOADS: Final = {workload.name: workload for workload in WORKLOADS}


@dataclass(frozen=True, slots=True)
class Row:
    """One sample. `hours` is how long ago it completed; for one in processing, nothing.

    `slow` is the enrichment's duration in seconds, `facts` are fields of Incident, `spoil` breaks
    the finished object.
    """

    shape: Shape
    alert: str
    workload: str
    hours: float = 0
    phase: str = "completed"
    slow: float | None = None
    spoil: Callable[[Object], None] | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def _break_duration(sample: Object) -> None:
    sample["status"]["enrichmentResults"]["duration"] = "3 minutes"


def _put_nul(sample: Object) -> None:
    context = sample["status"]["enrichmentResults"]["kubernetesContext"]
    context["recentLog"] = "core dump follows: \x7fELF\x02\x01\x01\x00\n" + context["recentLog"]


def _failed(phase: str, text: str) -> dict[str, Any]:
    return {"failed_in": phase, "failure": text}


_MEMORY: Final[dict[str, Any]] = {"free_fingerprint": "mem-pressure-prod-123"}
_LATE: Final = "enrichment failed: list pods in prod-payments: context deadline exceeded"
_NO_RULE: Final = "classification failed: environment.rego:12: no rule matched, no fallback is set"
_REFUSED: Final = "enrichment failed: context service answered 503 after 3 attempts"

ROWS: Final = (
    Row("A", "HighMemoryUsage", "checkout-api", 25.4, facts=_MEMORY),
    Row("A", "HighMemoryUsage", "checkout-api", 23.15, slow=2.417, facts=_MEMORY),
    Row("A", "HighMemoryUsage", "checkout-api", 20.9, facts=_MEMORY | {"recovery_attempt": 1}),
    Row("A", "ConnectionPoolExhausted", "orders-db", 24.05, slow=62.25),
    Row("A", "ConnectionPoolExhausted", "orders-db", 22.7),
    Row(
        "A",
        "HTTPErrorRateHigh",
        "payments-worker",
        23.8,
        "failed",
        facts=_failed("enriching", _LATE),
    ),
    Row("A", "HTTPErrorRateHigh", "payments-worker", 23.5, facts={"recovery_attempt": 1}),
    Row("A", "HTTPErrorRateHigh", "storefront-web", 21.35),
    Row(
        "A",
        "CrashLoopBackOff",
        "invoice-render",
        19.2,
        "Failed",
        facts=_failed("classifying", _NO_RULE),
    ),
    Row("A", "CrashLoopBackOff", "recommendation-api", 20.15, facts={"older": True}),
    Row("A", "OOMKilled", "search-index", 22.05, " Completed ", slow=3.75),
    Row("A", "HighRequestLatency", "storefront-web", 19.6, spoil=_break_duration),
    Row("A", "ImagePullBackOff", "gateway-edge", 18.9, spoil=_put_nul),
    Row("A", "PersistentVolumeFillingUp", "log-shipper", 21.8, facts={"degraded": True}),
    Row("A", "CertificateExpiresSoon", "gateway-edge", 18.45, "Completed"),
    Row("A", "ConsumerLagGrowing", "payments-worker", 20.5, slow=12.5),
    Row("A", "CPUThrottlingHigh", "recommendation-api", 23.0, facts={"finalizer": True}),
    Row("A", "DeploymentReplicasMismatch", "report-nightly", 19.95, facts={"older": True}),
    Row("B", "HighMemoryUsage", "checkout-api", 24.6),
    Row("B", "CrashLoopBackOff", "checkout-api", 23.3),
    Row("B", "ConnectionPoolExhausted", "orders-db", 22.4),
    Row("B", "HTTPErrorRateHigh", "payments-worker", 21.1, facts={"occurrences": 14}),
    Row("B", "HighRequestLatency", "storefront-web", 20.35),
    Row("B", "HighRequestLatency", "storefront-web", 18.75),
    Row("B", "OOMKilled", "search-index", 19.4, "Completed"),
    Row("B", "ImagePullBackOff", "invoice-render", 22.9),
    Row("B", "ConsumerLagGrowing", "payments-worker", 18.6, facts={"finalizer": True}),
    Row("C", "HighMemoryUsage", "checkout-api", 24.3),
    Row("C", "CrashLoopBackOff", "recommendation-api", 23.65),
    Row("C", "OOMKilled", "search-index", 22.2, facts={"recovery_attempt": 2}),
    Row(
        "C",
        "HTTPErrorRateHigh",
        "storefront-web",
        21.6,
        "failed",
        facts=_failed("enriching", _REFUSED),
    ),
    Row("C", "ConnectionPoolExhausted", "orders-db", 20.7),
    Row("C", "PersistentVolumeFillingUp", "orders-db", 20.0, facts={"degraded": True}),
    Row("C", "CertificateExpiresSoon", "gateway-edge", 19.1),
    Row("C", "ConsumerLagGrowing", "payments-worker", 18.85),
    Row("C", "CPUThrottlingHigh", "recommendation-api", 18.3),
    # Terminal, but more than six hours before cleanup.
    Row("A", "HighMemoryUsage", "checkout-api", 3.25, facts=_MEMORY),
    Row("A", "HighRequestLatency", "storefront-web", 9.7),
    Row("A", "CPUThrottlingHigh", "search-index", 15.4),
    Row("B", "CrashLoopBackOff", "invoice-render", 6.8),
    Row("B", "HTTPErrorRateHigh", "payments-worker", 12.1),
    Row("C", "ImagePullBackOff", "gateway-edge", 1.45),
    # In processing.
    Row("A", "ConsumerLagGrowing", "payments-worker", phase="pending"),
    Row("A", "OOMKilled", "recommendation-api", phase="enriching"),
    Row("A", "HTTPErrorRateHigh", "storefront-web", phase="classifying"),
    Row("A", "ConnectionPoolExhausted", "orders-db", phase="routing"),
    Row("B", "PersistentVolumeFillingUp", "orders-db", phase="enriching"),
    Row("B", "CertificateExpiresSoon", "gateway-edge", phase="pending"),
    Row("C", "DeploymentReplicasMismatch", "report-nightly", phase="Enriching"),
    Row("C", "HighRequestLatency", "checkout-api", phase="Categorizing"),
)


def samples(now: datetime) -> list[tuple[Shape, Object]]:
    """Every sample with its shape, as the API server would return it at `now` (aware).

    Names and uids do not depend on `now`.
    """
    return [(row.shape, _sample(number, row, now)) for number, row in enumerate(ROWS, start=1)]


def parents(now: datetime) -> list[Object]:
    """The RemediationRequests that own the samples, as the API server would return them."""
    return [_parent(number, row, now) for number, row in enumerate(ROWS, start=1)]


def _sample(number: int, row: Row, now: datetime) -> Object:
    incident = _incident(number, row, now)
    created = written(incident, row.shape)
    if row.spoil:
        row.spoil(created)
    born = meta_time(incident.timeline.created)
    return as_stored(created, resource_version=48_210 + 17 * number, creation_timestamp=born)


def _incident(number: int, row: Row, now: datetime) -> Incident:
    owner = _request(number, row, now)
    drawn = draw(
        f"sample-{number}",
        now=now,
        completed_ago=timedelta(hours=row.hours),
        phase=row.phase,
        namespace=NAMESPACE,
        name=_name(number, row),
        parent=Parent(owner["metadata"]["name"], uid_of(owner)),
        context_bytes=_LARGE if number % 5 < 2 else _SMALL,
    )
    alert, workload = _ALERTS[row.alert], _WORKLOADS[row.workload]
    # Chance decides nothing that the demo tells of.
    plain: dict[str, Any] = {
        "free_fingerprint": "",
        "degraded": False,
        "recovery_attempt": 0,
        "older": False,
        "finalizer": False,
    }
    return replace(
        drawn,
        alert=alert,
        workload=workload,
        fingerprint=fingerprint_of(alert, workload),
        timeline=drawn.timeline.with_enrichment_of(_enriching(drawn, row)),
        **(plain | row.facts),
    )


def _enriching(drawn: Incident, row: Row) -> int:
    if row.slow is not None:
        return round(row.slow * SECOND)
    return drawn.timeline.enriching % (19 * SECOND // 10)


def _request(number: int, row: Row, now: datetime) -> Object:
    ended = row.phase.strip().lower() in {"completed", "failed"}
    expiry = now - timedelta(hours=row.hours) + _RETENTION if ended else None
    return remediation_request(f"rr-{_name(number, row)}", NAMESPACE, expiry)


def _parent(number: int, row: Row, now: datetime) -> Object:
    born = meta_time(_incident(number, row, now).timeline.created)
    return as_stored(
        _request(number, row, now), resource_version=48_200 + number, creation_timestamp=born
    )


def _name(number: int, row: Row) -> str:
    kebab = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", row.alert).lower()
    return f"{row.workload}-{kebab}-{number:02d}"
