"""What is in the archive, as its owner sees it."""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]

_NEWEST: LiteralString = """
    SELECT uid, revision, encode(content_sha256, 'hex') AS digest, manifest, status
    FROM alert_processing_audit
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """The archive at `url`."""

    url: str

    def newest(self) -> dict[str, Row]:
        """uid → its row of the view, with revision and digest."""
        return {row["uid"]: row for row in self._all(_NEWEST)}

    def of_the_view(self) -> int:
        """How many rows the view has."""
        return self._number("SELECT count(*) AS n FROM alert_processing_audit")

    def revisions(self) -> int:
        """How many revisions there are, of all objects together."""
        return self._number("SELECT count(*) AS n FROM archive.revision")

    def everything(self) -> list[Row]:
        """Every row of every table that a run may write."""
        return [
            *self._all("SELECT to_jsonb(t) AS j FROM archive.revision t ORDER BY uid, revision"),
            *self._all("SELECT to_jsonb(t) AS j FROM archive.batch t ORDER BY batch_id"),
            *self._all("SELECT to_jsonb(t) AS j FROM archive.quarantine t ORDER BY raw_sha256"),
        ]

    def execute(self, statement: LiteralString) -> None:
        """Run a statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _number(self, query: LiteralString) -> int:
        return int(self._all(query)[0]["n"])

    def _all(self, query: LiteralString) -> list[Row]:
        with (
            psycopg.connect(self.url, row_factory=dict_row) as connection,
            connection.cursor() as cursor,
        ):
            return cursor.execute(query).fetchall()
