"""The monthly partitions: there before the transaction that inserts into them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from archiver.db.deadline import Limit
from archiver.db.failures import blames_values, fault_of_values
from archiver.db.transaction import connected

_ENSURE_MONTH: Final = text("SELECT archive.ensure_month(:at)")

Month = tuple[int, int]


class Months:
    """Remembers which months there are, and which the archive refuses (month → why).

    `limit` bounds the making of one.
    """

    def __init__(self, engine: Engine, *, limit: Limit) -> None:
        self._engine = engine
        self._limit = limit
        self._there: set[Month] = set()
        self.refused: dict[Month, str] = {}

    def ensure(self, times: Iterable[datetime]) -> None:
        """Make the partitions for these UTC times, each in a transaction of its own.

        Raises Unavailable (a reader's lock was in the way for over 2 s, …) and Configuration.
        """
        for month, at in self._unknown(times).items():
            with connected(self._engine, limit=self._limit) as connection:
                made = self._make(connection, month, at)
                # Whether a standby has it too does not matter: it is made again where it is gone.
                connection.commit()
            if made:
                self._there.add(month)

    def ensure_within(self, connection: Connection, times: Iterable[datetime]) -> None:
        """The same in the caller's transaction, for one that ends with ROLLBACK."""
        for month, at in self._unknown(times).items():
            with connection.begin_nested() as savepoint:
                if not self._make(connection, month, at):
                    savepoint.rollback()

    def forget(self) -> None:
        """Somebody has dropped a month."""
        self._there.clear()

    def _unknown(self, times: Iterable[datetime]) -> dict[Month, datetime]:
        wanted = {month_of(at): at for at in times}
        known = self._there | self.refused.keys()
        return {month: wanted[month] for month in sorted(wanted.keys() - known)}

    def _make(self, connection: Connection, month: Month, at: datetime) -> bool:
        try:
            connection.execute(_ENSURE_MONTH, {"at": at})
        except DBAPIError as error:
            cause = error.orig
            if not (isinstance(cause, psycopg.Error) and blames_values(cause)):
                raise
            self.refused[month] = fault_of_values(cause)
            return False
        return True


def month_of(at: datetime) -> Month:
    """The month of a UTC time."""
    return at.year, at.month
