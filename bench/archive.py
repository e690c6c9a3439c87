"""An archive of many months with as many rows as wanted, made in place, on a disk."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from archiver.db.engine import connect
from archiver.db.retention import drop
from tests.fakes.generated import Span, insert, months_until
from tests.integration.conftest import prepare_template
from tests.postgres.server import PostgresServer

MONTHS: Final = 13
# Each alert has that many records, spread over all months.
PER_ALERT: Final = 20
# Of the current month, what autovacuum leaves alone by default: a fifth of a table may be new.
_NOT_YET_VACUUMED: Final = 0.2
SETTINGS: Final = {
    "shared_buffers": "1GB",
    "max_wal_size": "2GB",
    "maintenance_work_mem": "256MB",
    # A crash loses it all, and with it nothing.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # At times that the benchmark chooses.
    "autovacuum": "off",
}
_INDEXES: Final = text("""
    SELECT c.relname AS name, pg_get_indexdef(c.oid) AS definition FROM pg_index
    JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'archive.revision'::regclass
    ORDER BY indisprimary DESC, c.relname
""")
# What the store would have written with the rows; any 32 bytes do for a leaf.
_BATCHES: Final = text("""
    INSERT INTO archive.batch (batch_id, cluster_id, run_id, count, created_at, uid, revision, leaf)
    SELECT batch_id, cluster_id, 'bench', count(*), array_agg(created_at), array_agg(uid),
        array_agg(revision), array_agg(content_sha256)
    FROM archive.revision
    WHERE batch_id IN (
        SELECT batch_id FROM archive.revision
        WHERE created_at >= :month AND created_at < CAST(:month AS timestamptz) + '1 month')
    GROUP BY batch_id, cluster_id
""")
_AT_ONCE: Final = 100_000


@dataclass(frozen=True, slots=True)
class ManyRows:
    """A database that holds `rows` first revisions, and its server."""

    server: PostgresServer
    folder: Path
    owner: Engine
    rows: int
    now: datetime

    @property
    def alerts(self) -> int:
        """How many alerts there are."""
        return max(self.rows // PER_ALERT, 1)

    def spans(self) -> Iterator[Span]:
        """All objects, oldest first, in parts of a month."""
        months = months_until(self.now, MONTHS)
        begin, end = months[0][0], months[-1][1]
        number = 1
        for start, stop in months:
            rows = round(self.rows * (stop - start) / (end - begin))
            parts = max(10, -(-rows // _AT_ONCE))  # ten, so that a fifth can be told apart
            for part in range(parts):
                of_part = rows * (part + 1) // parts - rows * part // parts
                lower = start + (stop - start) * (part / parts)
                upper = start + (stop - start) * ((part + 1) / parts)
                yield Span(lower, upper, number, of_part, self.alerts)
                number += of_part

    def fill(self) -> None:
        """The first revisions. The newest rows are left as autovacuum would leave them."""
        with self.owner.begin() as connection:
            for begin, _ in months_until(self.now, MONTHS):
                connection.execute(text("SELECT archive.ensure_month(:at)"), {"at": begin})
        new = self.now - (self.now - months_until(self.now, 1)[0][0]) * _NOT_YET_VACUUMED
        spans = list(self.spans())
        with self._without_indexes():
            for span in (span for span in spans if span.begin < new):
                self._insert(span)
        self.tend("VACUUM (ANALYZE)")
        for span in (span for span in spans if span.begin >= new):
            self._insert(span)

    def revise(self, every: int, *, but_every: int = 0) -> int:
        """A second revision of each object whose number is divisible by `every`; how many."""
        return sum(
            self._insert(span, revision=1, every=every, but_every=but_every)
            for span in self.spans()
        )

    def tend(self, *commands: str) -> None:
        """What autovacuum and `archiver migrate` do from time to time."""
        autocommit = self.owner.execution_options(isolation_level="AUTOCOMMIT")
        with autocommit.connect() as connection:
            for command in commands:
                connection.execute(text(f"{command} archive.revision"))
            connection.execute(text("CHECKPOINT"))

    def drop_oldest(self) -> dict[str, int]:
        """End the oldest month as `archiver retention drop` does: rows, and milliseconds."""
        begin, _ = months_until(self.now, MONTHS)[0]
        with self.owner.begin() as connection:
            connection.execute(_BATCHES, {"month": begin})
        started = time.perf_counter()
        purge = drop(self.owner, begin.date())
        took = round((time.perf_counter() - started) * 1e3)
        return {"ofRows": self.rows, "rows": purge.count, "ms": took}

    def cool(self) -> None:
        """Nothing of the database stays in memory, neither the server's nor this system's."""
        self.owner.dispose()
        self.server.restart()
        os.sync()
        for file in (path for path in self.folder.rglob("*") if path.is_file()):
            with suppress(FileNotFoundError):
                descriptor = os.open(file, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)

    def set_partitionwise(self, value: str) -> None:
        """For connections to come."""
        with self.owner.begin() as connection:
            connection.execute(
                text(f"ALTER DATABASE postgres SET enable_partitionwise_join = {value}")
            )

    @contextmanager
    def _without_indexes(self) -> Iterator[None]:
        """They are made anew at the end, which takes a fifth of the time of keeping them."""
        with self.owner.begin() as connection:
            key, *others = connection.execute(_INDEXES).all()
            for index in others:
                connection.execute(text(f"DROP INDEX archive.{index.name}"))
            connection.execute(text(f"ALTER TABLE archive.revision DROP CONSTRAINT {key.name}"))
        yield
        with self.owner.begin() as connection:
            columns = key.definition.partition("USING btree ")[2]
            connection.execute(
                text(
                    f"ALTER TABLE archive.revision ADD CONSTRAINT {key.name} PRIMARY KEY {columns}"
                )
            )
            for index in others:
                connection.exec_driver_sql(index.definition.replace(" ON ONLY ", " ON "))

    def _insert(self, span: Span, *, revision: int = 0, every: int = 1, but_every: int = 0) -> int:
        with self.owner.begin() as connection:
            return insert(connection, span, revision=revision, every=every, but_every=but_every)


@contextmanager
def many_rows(rows: int, parent: Path | None) -> Iterator[ManyRows]:
    """Without rows yet, in a fresh server below `parent`."""
    with PostgresServer.start(settings=SETTINGS, parent=parent) as server:
        prepare_template(server.superuser_url())
        owner = connect(server.superuser_url())
        yield ManyRows(server, server.socket_folder, owner, rows, datetime.now(UTC))
        owner.dispose()
