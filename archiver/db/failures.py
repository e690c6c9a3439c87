"""The drivers' errors as errors of the archiver: by SQLSTATE, in one table.

SQLSTATEs are listed in PostgreSQL's manual, appendix A; the first two characters are the class. A
failed connection has none, because libpq keeps it to itself: there the text decides, and a server
that does not speak English is taken for one that is not there, which is tried again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from archiver.db.engine import whereabouts
from archiver.errors import ArchiverError, Configuration, Forbidden, Integrity, Unavailable

Kind = tuple[type[ArchiverError], str]

_TRY_AGAIN: Final[Kind] = (Unavailable, "")
_MIGRATE: Final[Kind] = (Configuration, "the schema is not this release's: run `archiver migrate`")
_CREDENTIALS: Final[Kind] = (Configuration, "see the user, the password and pg_hba.conf")
_DATABASE: Final[Kind] = (Configuration, "see the database's name in the database URL")
# Neither suggests a weaker sslmode: who reads them under pressure would take it.
_CERTIFICATE: Final[Kind] = (
    Configuration,
    "see sslrootcert in the database URL, and the names and dates in the server's certificate",
)
_TLS: Final[Kind] = (Configuration, "sslmode asks for TLS: see the server's settings of it")

# The longest key that fits decides.
BY_SQLSTATE: Final[dict[str, Kind]] = {
    "08": _TRY_AGAIN,  # connection exception
    "25006": (Configuration, "the server is a standby or read-only: connect to the primary"),
    "25P": _TRY_AGAIN,  # idle in transaction, or transaction, for too long
    "28": _CREDENTIALS,
    "3D000": _DATABASE,
    "3F000": _MIGRATE,  # no such schema
    "40": _TRY_AGAIN,  # serialization failure, deadlock, …
    "42501": (Forbidden, "grant the role archiver_writer or archiver_reader to this user"),
    "42703": _MIGRATE,  # no such column
    "42883": _MIGRATE,  # no such function
    "42P01": _MIGRATE,  # no such table
    "42P07": (Configuration, "something else of this name stands in the way"),
    "0A000": (Configuration, "this server cannot do that"),
    "53": _TRY_AGAIN,  # out of memory, disk or connections
    "55P03": _TRY_AGAIN,  # lock timeout
    "55006": _TRY_AGAIN,  # object in use
    "57014": (
        Unavailable,
        "by the archiver itself, at its limit or because it was told to end, or by somebody else; "
        "pg_stat_activity and pg_locks say what it waits for",
    ),
    "57": _TRY_AGAIN,  # cancelled, shutting down, starting up
    "58": _TRY_AGAIN,  # input/output error
    # Those of archive.drop_month: its texts say all there is to say.
    "AR001": (Configuration, ""),
    "AR002": (Integrity, "nothing was dropped: look before anything is"),
    "XX001": (Integrity, "the server says that its data are corrupt"),
    "XX002": (Integrity, "the server says that an index is corrupt"),
}

# Regular expressions: the first that is found decides.
BY_TEXT: Final[tuple[tuple[str, Kind], ...]] = (
    ("certificate verify failed", _CERTIFICATE),
    ("server certificate for", _CERTIFICATE),  # … does not match host name
    ("root certificate file", _CERTIFICATE),
    ("server does not support SSL", _TLS),
    ("certificate file", _CERTIFICATE),
    ("private key file", _CERTIFICATE),
    ("tlsv1 alert", _TLS),
    ("invalid sslmode value", (Configuration, "see sslmode in the database URL")),
    ("authentication failed", _CREDENTIALS),
    ("no password supplied", _CREDENTIALS),
    ("no pg_hba.conf entry", _CREDENTIALS),
    ("pg_hba.conf rejects", _CREDENTIALS),
    ("is not permitted to log in", _CREDENTIALS),
    ("permission denied for database", _CREDENTIALS),
    ('database ".*" does not exist', _DATABASE),
    ("no such database", _DATABASE),  # PgBouncer
    ("does not exist", _CREDENTIALS),  # role
    ("session is read-only", BY_SQLSTATE["25006"]),  # target_session_attrs
    ("server is in hot standby mode", BY_SQLSTATE["25006"]),
    # A name server that is away says the same as one that knows no such name.
    (r"\[Errno -2\]", (Unavailable, "the name cannot be resolved: if that stays, see the URL")),
)

# The values of a row are at fault, not the server: constraint and type violations, limits of the
# program (an index entry too large), and what a trigger of the database's owner raises.
_VALUES: Final = ("22", "23", "54", "P0001", "44000")
# What the driver itself raises for a value that it cannot write down.
CLIENT_VALUE_ERRORS: Final = (ValueError, ArithmeticError)
_SHOWN: Final = 300


def translate(error: psycopg.Error | SQLAlchemyError, engine: Engine) -> ArchiverError:
    """The archiver's error for a driver's. Its text has no DETAIL, which may quote a row."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    where = f"PostgreSQL at {whereabouts(engine)}"
    if not isinstance(cause, psycopg.Error):
        # The pool has no connection left, or the library was misused.
        kind = Unavailable if isinstance(cause, PoolTimeout) else ArchiverError
        return kind(f"{where}: {_first_line(str(error))}")
    state = cause.sqlstate
    kind, hint = _by_state(state) if state else _by_text(cause)
    said = cause.diag.message_primary or _first_line(str(cause))
    facts = "; ".join(filter(None, (said[:_SHOWN], hint)))
    who = f" (user {engine.url.username})" if kind is Forbidden and engine.url.username else ""
    return kind(f"{where}: {facts}{who}" + (f" [SQLSTATE {state}]" if state else ""))


def _by_state(state: str) -> Kind:
    for length in (5, 3, 2):
        if found := BY_SQLSTATE.get(state[:length]):
            return found
    return (ArchiverError, "")


def _by_text(error: psycopg.Error) -> Kind:
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return (ArchiverError, "")
    text = str(error)
    return next((kind for part, kind in BY_TEXT if re.search(part, text)), _TRY_AGAIN)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Whatever the drivers raise within leaves as an error of the archiver's tree."""
    try:
        yield
    except (psycopg.Error, SQLAlchemyError) as error:
        # Not chained: a driver's error holds the connection, and with it the password.
        raise translate(error, engine) from None


def is_race(error: Exception) -> bool:
    """Whether somebody else has inserted the same key in the meantime."""
    return isinstance(error, errors.UniqueViolation)


def lacks_partition(error: Exception) -> bool:
    """Whether a row had no month to go to. PostgreSQL calls that a check violation of no check."""
    return isinstance(error, errors.CheckViolation) and error.diag.constraint_name is None


def blames_values(error: Exception) -> bool:
    """Whether the values of a row are at fault, so that other rows may go well."""
    if isinstance(error, psycopg.Error):
        state = error.sqlstate or ""
        return state.startswith(_VALUES) or isinstance(error, psycopg.DataError)
    return isinstance(error, CLIENT_VALUE_ERRORS)


def fault_of_values(error: Exception) -> str:
    """What was wrong with the values, without quoting them."""
    if not isinstance(error, psycopg.Error):
        return f"a value cannot be stored ({type(error).__name__})"
    diag = error.diag
    named = diag.constraint_name or diag.column_name
    if named:
        return f"it violates {named} (SQLSTATE {error.sqlstate})"
    return _first_line(diag.message_primary or str(error))[:_SHOWN]
