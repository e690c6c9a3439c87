"""The pool of connections to one PostgreSQL database."""

import os
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, create_engine

from archiver.db.conninfo import parameters_of, read_password

# One transaction at a time writes, and what is read beside it is short.
_CONNECTIONS: Final = 2
_MORE_CONNECTIONS: Final = 2


def connect(
    url: str,
    *,
    password_file: str | None = None,
    application_name: str = "archiver",
    connect_timeout: int = 10,
) -> Engine:
    """An engine for a libpq URI (`postgresql://USER@HOST:PORT/DATABASE`). Does not connect yet.

    The password comes from the file, which is read again for every new connection so that it may be
    rotated, else from libpq's own means. `connect_timeout` is in seconds. Nothing the engine shows
    or raises has the password in it. Raises Configuration.
    """
    parameters = parameters_of(
        url, application_name=application_name, connect_timeout=connect_timeout
    )
    # psycopg reads times in this style alone, and a database or a role may have another one. libpq
    # puts it into the start-up packet, where PgBouncer takes it, from the environment only.
    os.environ["PGDATESTYLE"] = "ISO"
    if password_file:
        read_password(password_file)  # a missing file is said before the first connection

    def dial() -> psycopg.Connection:
        secret = {"password": read_password(password_file)} if password_file else {}
        # Prepared statements do not survive PgBouncer's transaction mode.
        conninfo = make_conninfo("", **{**parameters, **secret})
        return psycopg.connect(conninfo, prepare_threshold=None)

    return create_engine(
        _label(parameters),
        creator=dial,
        # The rule for revisions looks again after it has waited for somebody else's commit.
        isolation_level="READ COMMITTED",
        pool_size=_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        hide_parameters=True,
        use_native_hstore=False,
    )


def _label(parameters: dict[str, str]) -> URL:
    """Where an engine leads to, without the password: for errors and logs alone."""
    port = parameters.get("port", "").partition(",")[0]
    return URL.create(
        "postgresql+psycopg",
        username=parameters.get("user"),
        host=parameters.get("host") or parameters.get("hostaddr"),
        port=int(port) if port.isdigit() else None,
        database=parameters.get("dbname"),
    )


def whereabouts(engine: Engine) -> str:
    """Where an engine leads to, for people: `host:port/database`."""
    url = engine.url
    host = url.host or "the local socket"
    port = f":{url.port}" if url.port and not host.startswith("/") else ""
    return f"{host}{port}/{url.database or ''}"
