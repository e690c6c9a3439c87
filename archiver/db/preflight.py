"""Rights and durability, before anything is listed or written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import Connection, Engine, false, select, text
from sqlalchemy.exc import ProgrammingError

from archiver.db import schema
from archiver.db.deadline import A_MINUTE, Limit
from archiver.db.engine import whereabouts
from archiver.db.migrate import require_schema, require_server
from archiver.db.row_security import require_all_rows
from archiver.db.transaction import connected
from archiver.errors import Configuration, Forbidden

_WRITTEN: Final = (schema.revision, schema.batch, schema.quarantine)
_READ: Final = (schema.revision, schema.store)
# What each kind of run needs, by table.
_RIGHTS_TO_READ: Final = [(name, "SELECT") for name in ("revision", "store", "schema_version")]
_RIGHTS_TO_WRITE: Final = [
    *((table.name, right) for table in _WRITTEN for right in ("SELECT", "INSERT")),
    *((name, "SELECT") for name in ("store", "schema_version")),
]

_STATE: Final = text("""
    SELECT current_user AS who, pg_is_in_recovery() AS standby,
           current_setting('transaction_read_only') = 'on' AS read_only,
           current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('synchronous_standby_names') <> '' AS has_standbys
""")
# By oid: a look-up by name fails where the right to the schema itself is missing.
_MISSING_ON_SCHEMA: Final = text("""
    SELECT 'USAGE on schema archive' FROM pg_namespace
    WHERE nspname = 'archive' AND NOT has_schema_privilege(oid, 'USAGE')
""")
_MISSING_ON_TABLES: Final = text("""
    SELECT wanted.privilege || ' on archive.' || wanted.name
    FROM unnest(:names ::text[], :privileges ::text[]) AS wanted (name, privilege)
    JOIN pg_namespace n ON n.nspname = 'archive'
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
    WHERE NOT has_table_privilege(c.oid, wanted.privilege)
    ORDER BY 1
""")
_MISSING_ON_FUNCTIONS: Final = text("""
    SELECT 'EXECUTE on function ' || p.oid::regprocedure
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE (n.nspname, p.proname) IN (
        ('archive', 'ensure_month'), ('archive', 'json_form_of'), ('archive', 'manifest_of'),
        ('archive', 'with_stand_ins'))
      AND NOT has_function_privilege(p.oid, 'EXECUTE')
    UNION ALL
    SELECT 'EXECUTE on function pg_logical_emit_message(boolean, text, text)'
    WHERE NOT EXISTS (
        SELECT FROM pg_proc WHERE proname = 'pg_logical_emit_message'
        AND proargtypes[2] = 'text'::regtype AND has_function_privilege(oid, 'EXECUTE'))
    ORDER BY 1
""")
_INHERITED: Final = text("""
    SELECT pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = :role
""")
_UNLOGGED: Final = text("""
    SELECT 'archive.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'archive' AND c.relpersistence = 'u' AND c.relkind = 'r' ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Weakness:
    """A setting under which a committed row may be lost with the server."""

    setting: str
    effect: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.effect})"


def preflight(
    engine: Engine, *, writes: bool, allow_weak_durability: bool = False, limit: Limit = A_MINUTE
) -> None:
    """Refuse what would fail later, or succeed without being durable, within the `limit`.

    Without `writes`, only the rights to read and the schema are asked for. Raises Configuration
    (schema, standby or read-only, row-level security, durability), Forbidden (naming each right)
    and Unavailable.
    """
    with connected(engine, limit=limit) as connection:
        require_server(connection)
        state = connection.execute(_STATE).one()
        if writes and (state.standby or state.read_only):
            what = "a standby" if state.standby else "read-only"
            raise Configuration(
                f"PostgreSQL at {whereabouts(engine)} is {what}: connect to the primary"
            )
        _require_rights(connection, state.who, writes=writes)
        require_schema(connection)
        _require_columns(connection, writes=writes)
        require_all_rows(connection)
        if writes and not allow_weak_durability:
            _require_durability(weaknesses(connection, state))


def weaknesses(connection: Connection, state: Any) -> Sequence[Weakness]:
    """Why a committed row may be lost; nothing where a commit is as durable as PostgreSQL's can be.

    `state` is the row of the server's settings.
    """
    local = state.synchronous_commit == "local" and state.has_standbys
    settings = {
        Weakness("fsync=off", "a crash may destroy the database"): state.fsync == "off",
        Weakness("full_page_writes=off", "a crash may leave half-written pages"): (
            state.full_page_writes == "off"
        ),
        Weakness("synchronous_commit=off", "a crash loses the last commits"): (
            state.synchronous_commit == "off"
        ),
        Weakness("synchronous_commit=local", "a failover loses the last commits"): local,
    }
    unlogged = connection.scalars(_UNLOGGED)
    return [
        *(weakness for weakness, holds in settings.items() if holds),
        *(Weakness(f"{table} is UNLOGGED", "a crash empties it") for table in unlogged),
    ]


def _require_durability(found: Sequence[Weakness]) -> None:
    if found:
        listed = ", ".join(map(str, found))
        raise Configuration(
            f"a mark would promise more than this database keeps: {listed}. Mend that for this "
            "user and database, or allow weak durability explicitly"
        )


def _require_rights(connection: Connection, who: str, *, writes: bool) -> None:
    names, privileges = zip(*(_RIGHTS_TO_WRITE if writes else _RIGHTS_TO_READ), strict=True)
    wanted = {"names": list(names), "privileges": list(privileges)}
    missing = [
        *connection.scalars(_MISSING_ON_SCHEMA),
        *connection.scalars(_MISSING_ON_TABLES, wanted),
        *(connection.scalars(_MISSING_ON_FUNCTIONS) if writes else ()),
    ]
    if missing:
        role = "archiver_writer" if writes else "archiver_reader"
        remedy = f"GRANT {role} TO {who}"
        if connection.scalar(_INHERITED, {"role": role}):
            # The user has the role: it is the role that has lost them.
            rights = (right.replace(" on ", " ON ", 1) for right in missing)
            remedy = "as the archive's owner, " + "; ".join(f"GRANT {r} TO {role}" for r in rights)
        raise Forbidden(f"the database user {who} lacks {', '.join(missing)}: {remedy}")


def _require_columns(connection: Connection, *, writes: bool) -> None:
    """Asked of a schema that is current by its number, so that no migration mends what it lacks."""
    for table in {*_READ, *(_WRITTEN if writes else ())}:
        try:
            connection.execute(select(*table.c).where(false()))
        except ProgrammingError as error:
            if not isinstance(error.orig, UndefinedColumn | UndefinedTable):
                raise
            raise Configuration(
                f"archive.{table.name}: {error.orig.diag.message_primary}. The schema says that it "
                f"is at revision {schema.HEAD}, so it was changed by hand: change that back, or "
                "restore it"
            ) from None
