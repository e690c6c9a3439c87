"""One statement on a connection of its own."""

import psycopg
from psycopg import sql

CONNECT_TIMEOUT = 10  # seconds


def execute(url: str, statement: str | sql.Composed) -> None:
    """Run a statement outside of a transaction block. Raises psycopg.Error."""
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT) as connection:
        connection.execute(sql.SQL(statement) if isinstance(statement, str) else statement)


def value(url: str, query: str | sql.Composed) -> object:
    """The first column of the first row; None if there is none. Raises psycopg.Error."""
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT) as connection:
        row = connection.execute(sql.SQL(query) if isinstance(query, str) else query).fetchone()
    return row[0] if row else None
