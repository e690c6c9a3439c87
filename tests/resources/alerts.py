"""What goes wrong: alerts, the workloads they fire on, and how processing itself may fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that fires. `log_line` is what the workload says when it does."""

    name: str
    severity: str
    summary: str
    log_line: str


@dataclass(frozen=True, slots=True)
class Workload:
    """What an alert is about. `environment` is the classifier's word for its namespace."""

    kind: str
    name: str
    namespace: str
    environment: str
    method: str = "namespace-label"


ALERTS: Final = (
    Alert(
        "HighMemoryUsage",
        "critical",
        "memory above 90% of its limit for 5m",
        "heap 1847MiB of 2048MiB after full GC, pause 412ms",
    ),
    Alert(
        "CrashLoopBackOff",
        "critical",
        "container restarted 7 times in 10m",
        "panic: runtime error: invalid memory address or nil pointer dereference",
    ),
    Alert(
        "OOMKilled",
        "critical",
        "container killed by the kernel at its memory limit",
        "cache: evicted 0 of 120000 entries, all pinned by open cursors",
    ),
    Alert(
        "HighRequestLatency",
        "warning",
        "99th percentile above 2s for 10m",
        "GET /v2/orders status=200 took=2417ms upstream=inventory",
    ),
    Alert(
        "HTTPErrorRateHigh",
        "critical",
        "5% of requests answered with 5xx over 5m",
        "POST /v2/charge status=503 upstream connect error: connection refused",
    ),
    Alert(
        "PersistentVolumeFillingUp",
        "warning",
        "volume full within 4 hours at this rate",
        "segment 00412 flushed, 3.1% of volume left",
    ),
    Alert(
        "DeploymentReplicasMismatch",
        "warning",
        "fewer replicas ready than wanted for 15m",
        "readiness probe failed: HTTP probe answered 500",
    ),
    Alert(
        "ConsumerLagGrowing",
        "warning",
        "consumer group 250000 messages behind",
        "rebalance in progress, partition 11 revoked, lag 251904",
    ),
    Alert(
        "CertificateExpiresSoon",
        "info",
        "certificate expires in less than 7 days",
        "order for renewal still pending: DNS challenge not propagated",
    ),
    Alert(
        "ImagePullBackOff",
        "warning",
        "image not pulled for 10m",
        "failed to resolve reference: 429 Too Many Requests",
    ),
    Alert(
        "CPUThrottlingHigh",
        "info",
        "throttled in 40% of periods over 15m",
        "worker pool saturated, 64 of 64 busy, queue 812",
    ),
    Alert(
        "ConnectionPoolExhausted",
        "critical",
        "no database connection free for 2m",
        "acquire timed out after 5s, 50 of 50 connections in use",
    ),
)

WORKLOADS: Final = (
    Workload("Deployment", "checkout-api", "prod-checkout", "production"),
    Workload("Deployment", "payments-worker", "prod-payments", "production"),
    Workload("StatefulSet", "orders-db", "prod-orders", "production", "configmap"),
    Workload("Deployment", "storefront-web", "prod-web", "production"),
    Workload("StatefulSet", "search-index", "staging-search", "staging"),
    Workload("Deployment", "recommendation-api", "staging-ml", "staging", "pattern"),
    Workload("Deployment", "invoice-render", "dev-billing", "development", "pattern"),
    Workload("DaemonSet", "log-shipper", "platform-logging", "production", "fallback"),
    Workload("Deployment", "gateway-edge", "qa-eu-gateway", "qa-eu", "pattern"),
    Workload("CronJob", "report-nightly", "canary-reports", "canary"),
)

# Why processing failed, by the phase it failed in.
FAILURES: Final = {
    "enriching": (
        "enrichment failed: list pods: context deadline exceeded",
        "enrichment failed: context service answered 503 after 3 attempts",
        'enrichment failed: pods is forbidden: cannot list resource "pods" in this namespace',
    ),
    "classifying": (
        "classification failed: environment.rego:12: no rule matched and no fallback is set",
        "classification failed: configmap environment-rules: line 9: did not find expected key",
    ),
}
# Why a remediation before this one failed.
STEP_FAILURES: Final = (
    "restart-deployment: rollout not finished after 5m0s",
    "scale-deployment: exceeded quota compute: requested limits.memory=4Gi",
    "drain-node: cannot evict pod as it would violate its disruption budget",
)
