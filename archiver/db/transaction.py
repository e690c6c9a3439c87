"""One transaction, and a COMMIT that says whether it was durable."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg.errors import Diagnostic
from sqlalchemy import Connection, Engine, text

from archiver.db.deadline import A_MINUTE, Limit, deadline
from archiver.db.failures import translated
from archiver.errors import Unavailable

# The message makes the COMMIT wait for the synchronous standby, and with it for everything before
# it, even if the transaction inserts nothing. Warnings have to get through for the COMMIT below.
_BEGIN: Final = text("""
    SELECT now(), set_config('client_min_messages', 'warning', true),
           pg_logical_emit_message(true, 'archiver', 'fence')
""")


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction; `began` is its now()."""

    connection: Connection
    driver: psycopg.Connection[Any]
    began: datetime


@contextmanager
def transaction(engine: Engine, *, limit: Limit, keep: bool = True) -> Iterator[Transaction]:
    """A transaction that ends with a durable COMMIT, or with ROLLBACK unless `keep`.

    `limit` bounds its statements together, and again the COMMIT. Raises
    Unavailable where the outcome is unknown or not durable, and what `translated` makes of errors.
    """
    with translated(engine), engine.connect() as connection:
        driver = driver_of(connection)
        try:
            with deadline(driver, limit):
                began = connection.execute(_BEGIN).scalar_one()
                yield Transaction(connection, driver, began.astimezone(UTC))
            if keep:
                _commit(driver, limit)
        finally:
            if driver.closed:
                # The pool would try to roll it back, and log that it cannot.
                connection.invalidate()


@contextmanager
def connected(engine: Engine, *, limit: Limit = A_MINUTE) -> Iterator[Connection]:
    """A connection whose statements together take no longer than `limit`.

    Raises what `translated` makes of errors.
    """
    with translated(engine), engine.connect() as connection:
        driver = driver_of(connection)
        try:
            with deadline(driver, limit):
                yield connection
        finally:
            if driver.closed:
                connection.invalidate()


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """psycopg's connection beneath SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for the type checker
    return driver


def _commit(driver: psycopg.Connection[Any], limit: Limit) -> None:
    """COMMIT, and believe it only as far as the server's answer goes.

    The driver's own commit() returns in silence where an aborted transaction was rolled back, and
    where the wait for a synchronous standby was cancelled, which is no more than a warning.
    """
    warnings: list[str] = []

    def hear(notice: Diagnostic) -> None:
        # To be read at once: what it stands on is freed as soon as this returns.
        if notice.severity_nonlocalized == "WARNING":
            warnings.append(notice.message_primary or "")

    driver.add_notice_handler(hear)
    try:
        with deadline(driver, limit):
            tag = driver.execute("COMMIT").statusmessage
    except psycopg.Error:
        if driver.closed:
            raise Unavailable("the connection was lost in COMMIT: its outcome is unknown") from None
        raise
    finally:
        driver.remove_notice_handler(hear)
    if tag != "COMMIT":
        raise Unavailable(f"COMMIT was answered by {tag}: nothing was stored")
    if warnings:
        raise Unavailable(f"the commit is not known to be durable: {warnings[0]}")
