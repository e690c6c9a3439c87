"""Bytes on disk of a record as a run writes it, by where they are and how they are compressed."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from archiver.db.engine import connect
from archiver.db.store import PostgresStore
from archiver.domain.record import AuditRecord
from archiver.ports import Batch
from bench.records import CLUSTER, archives
from bench.timing import milliseconds
from tests.integration.conftest import prepare_template
from tests.postgres.database import TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer

# Of enrichment context: makes content of 8.7 KB, the mean that the design counts with.
_CONTEXT_BYTES: Final = 6_700
_PAGE: Final = 200
_METHODS: Final = ("lz4", "pglz")
_PARTS: Final = text("""
    SELECT sum(pg_relation_size(c.oid)) AS heap,
        sum(pg_total_relation_size(c.reltoastrelid)) AS toast,
        sum(pg_indexes_size(c.oid)) AS indexes
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'archive.revision'::regclass
""")
_EACH_INDEX: Final = text("""
    SELECT parent.relname, sum(pg_relation_size(child.oid)) FROM pg_inherits i
    JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE child.relkind = 'i' GROUP BY 1 ORDER BY 2 DESC
""")
_BATCHES: Final = text("SELECT pg_total_relation_size('archive.batch')")
_SHOWN: Final = text("SELECT manifest::text FROM alert_processing_audit")
_MONTHS: Final = text("""
    SELECT i.inhrelid::regclass::text FROM pg_inherits i
    WHERE i.inhparent = 'archive.revision'::regclass
    UNION ALL SELECT 'archive.revision'
""")


def bytes_on_disk(count: int) -> dict[str, Any]:
    """Of `count` records, a third of each shape, written page by page by the store itself."""
    records = [one.record for one in archives(count, salt="d", context_bytes=_CONTEXT_BYTES)]
    content = sum(len(record.content) for record in records)
    with PostgresServer.start(parent=memory_folder()) as server:
        template = TemplateDatabase.prepare(server, prepare_template)
        found = {
            method: measured
            for method in _METHODS
            if (measured := _with(template, method, records)) is not None
        }
    return {"records": count, "contentBytes": round(content / count), **found}


def _with(
    template: TemplateDatabase, method: str, records: Sequence[AuditRecord]
) -> dict[str, Any] | None:
    with template.clone() as database:
        engine = connect(database.owner_url)
        try:
            with engine.begin() as connection:
                _compress(connection, method)
            store = PostgresStore(engine)
            for at in range(0, len(records), _PAGE):
                store.write(Batch("run", CLUSTER, records[at : at + _PAGE]))
            with engine.connect() as connection:
                shown = [milliseconds(lambda: connection.execute(_SHOWN).all()) for _ in range(3)]
                found = _sizes(connection, len(records))
                return found | {"manifestMs": round(min(shown) / len(records), 3)}
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") in ("0A000", "22023"):
                return None  # a server without lz4
            raise
        finally:
            engine.dispose()


def _compress(connection: Connection, method: str) -> None:
    for table in connection.scalars(_MONTHS).all():
        connection.execute(text(f"ALTER TABLE {table} ALTER content SET COMPRESSION {method}"))


def _sizes(connection: Connection, count: int) -> dict[str, Any]:
    parts = connection.execute(_PARTS).one()._asdict()
    indexes = {name: round(size / count) for name, size in connection.execute(_EACH_INDEX)}
    batches = connection.scalar(_BATCHES) or 0
    sizes = {name: round(size / count) for name, size in parts.items()}
    return {**sizes, "batch": round(batches / count), "each": indexes}
