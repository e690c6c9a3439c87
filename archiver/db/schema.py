"""The tables of the schema `archive` as values. The migrations make them; a test compares both."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA: Final = "archive"
# The newest migration. A test holds it against migrations/versions.
HEAD: Final = "0003"

_WRITER, _READER = "archiver_writer", "archiver_reader"
ROLES: Final = (_WRITER, _READER)

metadata: Final = MetaData(schema=SCHEMA)


def _time() -> DateTime:
    return DateTime(timezone=True)


store: Final = Table(
    "store",
    metadata,
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
    Column("store_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("created_at", _time(), nullable=False, server_default=text("now()")),
    CheckConstraint("only_row", name="store_has_one_row"),
)

revision: Final = Table(
    "revision",
    metadata,
    Column("created_at", _time(), primary_key=True),
    Column("cluster_id", Uuid, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("resource_version", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("completed_at", _time(), nullable=False),
    Column("deleted_at", _time()),
    Column("archived_at", _time(), nullable=False, server_default=text("now()")),
    Column("batch_id", Uuid, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("api_version", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("remediation_id", Text),
    Column("alert_fingerprint", Text),
    Column("processing_phases", JSONB, nullable=False),
    Column("enrichment_quality", Numeric),
    Column("enrichment_sources", ARRAY(Text)),
    Column("context_size_bytes", BigInteger),
    Column("environment", Text),
    Column("confidence", Numeric),
    Column("business_priority", Text),
    Column("sla_requirement", Text),
    Column("routed_to_service", Text),
    Column("routing_priority", BigInteger),
    Column("status", Text),
    Column("error_message", Text),
    Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("content", LargeBinary, nullable=False),
    Column("circumstances", LargeBinary, nullable=False),
    Column(
        "content_sha256", LargeBinary, Computed("sha256(content)", persisted=True), nullable=False
    ),
    Column("vouched_plain", Boolean, nullable=False, server_default=text("false")),
    Column(
        "json_form",
        Text,
        Computed(
            "CASE WHEN vouched_plain THEN 'plain'::text "
            "ELSE archive.json_form_of(content, circumstances) END",
            persisted=True,
        ),
        nullable=False,
    ),
    CheckConstraint("octet_length(uid) between 1 and 128", name="uid_length"),
    CheckConstraint("revision >= 0", name="revision_not_negative"),
    CheckConstraint("octet_length(alert_fingerprint) <= 1024", name="alert_fingerprint_length"),
    CheckConstraint("octet_length(environment) <= 256", name="environment_length"),
    CheckConstraint("confidence between 0 and 1", name="confidence_range"),
    postgresql_partition_by="range (created_at)",
)
_key = (revision.c.created_at, revision.c.cluster_id, revision.c.uid, revision.c.revision)
Index("revision_later", *_key, postgresql_where=revision.c.revision > 0)
Index("revision_uid", revision.c.uid)
Index("revision_id", revision.c.id)
Index("revision_name", revision.c.name, postgresql_using="hash")
Index("revision_remediation", revision.c.remediation_id, postgresql_using="hash")
Index("revision_alert", revision.c.alert_fingerprint, revision.c.completed_at.desc())
Index(
    "revision_completed",
    revision.c.completed_at,
    *_key,
    postgresql_include=["environment", "confidence"],
)
Index(
    "revision_enriching",
    literal_column("(((processing_phases -> 0) ->> 'durationNs'::text)::bigint)").desc(),
    _table=revision,
)

batch: Final = Table(
    "batch",
    metadata,
    Column("batch_id", Uuid, primary_key=True),
    Column("cluster_id", Uuid, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("written_at", _time(), nullable=False, server_default=text("now()")),
    Column("count", Integer, nullable=False),
    Column("created_at", ARRAY(_time()), nullable=False),
    Column("uid", ARRAY(Text), nullable=False),
    Column("revision", ARRAY(Integer), nullable=False),
    Column("leaf", ARRAY(LargeBinary), nullable=False),
    CheckConstraint(
        "count > 0 and cardinality(created_at) = count and cardinality(uid) = count "
        "and cardinality(revision) = count and cardinality(leaf) = count",
        name="batch_entries",
    ),
)
Index("batch_run", batch.c.run_id)

quarantine: Final = Table(
    "quarantine",
    metadata,
    Column("cluster_id", Uuid, primary_key=True),
    Column("raw_sha256", LargeBinary, Computed("sha256(raw)", persisted=True), primary_key=True),
    Column("first_seen_at", _time(), nullable=False, server_default=text("now()")),
    Column("run_id", Text, nullable=False),
    Column("position", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)

legal_hold: Final = Table(
    "legal_hold",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first_month", Date),
    Column("last_month", Date),
    Column("reason", Text, nullable=False),
    Column("placed_at", _time(), nullable=False, server_default=text("now()")),
    Column("placed_by", Text, nullable=False, server_default=text("SESSION_USER")),
    Column("lifted_at", _time()),
    CheckConstraint(
        "first_month = date_trunc('month', first_month::timestamp)", name="first_month_is_one"
    ),
    CheckConstraint(
        "last_month = date_trunc('month', last_month::timestamp)", name="last_month_is_one"
    ),
    CheckConstraint("first_month <= last_month", name="legal_hold_span"),
)

purge: Final = Table(
    "purge",
    metadata,
    Column("month", Date, primary_key=True),
    Column("dropped_at", _time(), primary_key=True, server_default=text("now()")),
    Column("dropped_by", Text, nullable=False, server_default=text("SESSION_USER")),
    Column("count", BigInteger, nullable=False),
    Column("batches", BigInteger, nullable=False),
    Column("leaves_sha256", LargeBinary, nullable=False),
    CheckConstraint("count >= 0", name="purge_count"),
    CheckConstraint("batches >= 0", name="purge_batches"),
    CheckConstraint("octet_length(leaves_sha256) = 32", name="purge_digest"),
)
