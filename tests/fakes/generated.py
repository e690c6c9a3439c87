"""Rows that PostgreSQL makes in place: as many as a plan or a benchmark needs, at one round trip.

Row n of a kind is the same in every database, so that later revisions of the same objects can be
added at any time. What the archiver writes itself comes from `tests.fakes.records`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, text

from tests.fakes.records import CLUSTER

# About one enrichment in a thousand takes over two seconds.
_MEAN_SECONDS: Final = 0.29
# jsonb from text: built by jsonb_build_object it takes three times as long.
_PHASES: Final = """
    [{"phase": "enriching", "start_time": "%1$s", "end_time": "%2$s", "duration": "PT%3$sS",
      "durationNs": %4$s, "enrichmentResults": {"contextQuality": 0.95, "contextSizeBytes": 8123,
      "contextSources": 2, "degradedMode": false}},
     {"phase": "classifying", "start_time": "%2$s", "end_time": "%2$s", "duration": "PT0.04S",
      "durationNs": 40000000, "classificationResults": {"environment": "%5$s", "confidence": %6$s,
      "businessPriority": "P1", "classificationMethod": "rego"}},
     {"phase": "routing", "start_time": "%2$s", "end_time": "%2$s", "duration": "PT0.01S",
      "durationNs": 10000000, "routingResults": {"routedToService": "ai-analysis",
      "routingPriority": 7, "routingKey": "payments/checkout"}}]
"""
_CONTENT: Final = '{"metadata":{"name":"rp-%1$s","uid":"%2$s"},"spec":{"revision":%3$s}}'
_INSERT: Final = text("""
    INSERT INTO archive.revision (
        created_at, cluster_id, uid, revision, resource_version, generation, completed_at,
        archived_at, batch_id, run_id, id, namespace, name, api_version, kind, remediation_id,
        alert_fingerprint, processing_phases, enrichment_quality, enrichment_sources,
        context_size_bytes, environment, confidence, business_priority, sla_requirement,
        routed_to_service, routing_priority, status, flags, content, circumstances, vouched_plain)
    SELECT born, :cluster, uid, :revision, 100 + :revision, 2, born + '1 minute', born + '18 hours',
        md5('batch' || n / 200)::uuid, md5('run' || n / 20000), md5('id' || n)::uuid, 'kubernaut',
        'rp-' || n, 'remediationprocessing.kubernaut.io/v1', 'RemediationProcessing', 'rr-' || n,
        encode(sha256(convert_to('alert' || alert % :alerts, 'UTF8')), 'hex'),
        format(:phases, at, at, round(seconds, 6), round(seconds * 1e9), environment, confidence)
            ::jsonb,
        0.95, '{kubernetes,prometheus}', 8123, environment, confidence, 'P1', '5m', 'ai-analysis',
        7, 'completed', '{}',
        convert_to(format(:content, n, uid, :revision), 'UTF8'),
        convert_to(:circumstances, 'UTF8'), true
    FROM (
        SELECT n, CASE WHEN n % 100 = 7 THEN n / 100 % :busy ELSE n END AS alert,
            to_timestamp(CAST(:begin AS float8) + (n - :first + 0.5) * :step) AS born,
            md5('uid' || n)::uuid::text AS uid, (random() * 100)::int / 100.0 AS confidence,
            (-ln(1 - random()) * :mean)::numeric AS seconds,
            (ARRAY['production', 'production', 'staging', 'development'])[1 + n % 4] AS environment
        FROM generate_series(CAST(:first AS bigint), :last) AS n
        WHERE n % :every = 0 AND n % :but_every <> 0
    ) AS made, LATERAL (
        SELECT to_char(born, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    ) AS written (at)
    ORDER BY n
""")
BUSY: Final = 100
# No number is divisible by it: nobody is left out.
_NOBODY: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Span:
    """`rows` objects, numbered from `first`, born evenly between two times of one month.

    `alerts` is how many alerts all spans share. The first hundred of them are busy: a hundredth of
    all rows is theirs, beside their ordinary part.
    """

    begin: datetime
    end: datetime
    first: int
    rows: int
    alerts: int


def fingerprint(alert: int) -> str:
    """Of the alert of this number, from 0."""
    return sha256(f"alert{alert}".encode()).hexdigest()


def insert(
    connection: Connection, span: Span, *, revision: int = 0, every: int = 1, but_every: int = 0
) -> int:
    """Insert this revision of each object of the span; returns how many rows that were.

    Only of those whose number is a multiple of `every`, and of `but_every` is none. The month has
    to be there. Content takes 90 bytes a row, so that a row
    has the size of a real one without its content, which is kept apart from it.
    """
    done = connection.execute(
        _INSERT,
        {
            "cluster": CLUSTER,
            "revision": revision,
            "alerts": span.alerts,
            "busy": BUSY,
            "begin": span.begin.timestamp(),
            "step": (span.end - span.begin).total_seconds() / span.rows,
            "first": span.first,
            "last": span.first + span.rows - 1,
            "every": every,
            "but_every": but_every or _NOBODY,
            "mean": _MEAN_SECONDS,
            "phases": " ".join(_PHASES.split()),
            "circumstances": '{"generation":2,"labels":{"app":"checkout"}}',
            "content": _CONTENT,
        },
    )
    return int(done.rowcount)


def months_until(now: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """The last `count` UTC months, oldest first, each as begin and end; the newest ends `now`."""
    months, end = [], now.astimezone(UTC)
    for _ in range(count):
        begin = (end if end == now else _before(end)).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        months.append((begin, end))
        end = begin
    return months[::-1]


def _before(midnight: datetime) -> datetime:
    return datetime.fromtimestamp(midnight.timestamp() - 1, UTC)
