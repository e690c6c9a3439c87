"""Brings the schema to this release, or says what it lacks."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select, text

from archiver.db.failures import translated
from archiver.db.schema import HEAD, ROLES, SCHEMA
from archiver.db.transaction import connected
from archiver.errors import Configuration, Forbidden

OLDEST_SERVER: Final = 14
_MONTHS_AHEAD: Final = 2

_LOCK: Final = select(func.pg_advisory_xact_lock(func.hashtextextended("archive.migrate", 0)))
# By the catalogs: a look-up by name fails where the right to the schema is missing.
_SCHEMA_IS_THERE: Final = text("SELECT FROM pg_namespace WHERE nspname = :schema")
_HAS_VERSION: Final = text("""
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = 'schema_version'
""")
_VERSION: Final = text("SELECT version_num FROM archive.schema_version")
_MISSING_ROLES: Final = text("""
    SELECT wanted FROM unnest(:roles ::text[]) AS wanted
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted)
""")
_MAY_CREATE_ROLES: Final = text(
    "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
)
_ENSURE_MONTH: Final = text(
    "SELECT archive.ensure_month(now() + make_interval(months => :ahead ::int))"
)
# Kept with the database and not in it: a restored dump and a copy have lost them. Who migrates
# without owning the database cannot set them; the archive works without, and the report names them.
_DATABASE: Final = text("""
    DO $$ BEGIN
      -- The view's anti-join: 18 ms instead of 100 where one object in twenty has a later revision.
      EXECUTE format('ALTER DATABASE %I SET enable_partitionwise_join = on', current_database());
      EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
      REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- granted in databases made by PostgreSQL 14
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END $$
""")


# By their effect: without the right to revoke, REVOKE succeeds with a warning.
_LEFT_OUT: Final = text("""
    SELECT wanted.statement FROM (VALUES
      (format('ALTER DATABASE %I SET enable_partitionwise_join = on', current_database()),
       NOT EXISTS (
         SELECT FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
         WHERE d.datname = current_database() AND setrole = 0
           AND 'enable_partitionwise_join=on' = ANY (setconfig))),
      (format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()),
       EXISTS (
         SELECT FROM pg_database d, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS a
         WHERE d.datname = current_database() AND a.grantee = 0
           AND a.privilege_type = 'TEMPORARY')),
      ('REVOKE CREATE ON SCHEMA public FROM PUBLIC',
       EXISTS (
         SELECT FROM pg_namespace n, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS a
         WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE'))
    ) AS wanted (statement, missing)
    WHERE missing
""")
_NOT_OURS: Final = text("""
    SELECT pg_get_userbyid(c.relowner) AS owner, current_user AS who
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = 'revision' AND NOT pg_has_role(c.relowner, 'USAGE')
""")


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """The schema's revision before (None where there was no schema) and after.

    `left_out` are statements that only the database's owner or an administrator may run.
    """

    before: str | None
    after: str
    left_out: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"before": self.before, "after": self.after, "leftOut": list(self.left_out)}


def migrate(engine: Engine) -> MigrationReport:
    """Bring the schema to this release; make the months ahead; refresh the planner's statistics.

    All changes of the schema are one transaction under an advisory lock: killed at any point, it is
    old or new. A schema that is current is left alone. Raises Configuration (it is newer than this
    release, or roles are missing that this user may not create), Forbidden (also for who does not
    own the archive, whom PostgreSQL would only warn) and Unavailable.
    """
    with translated(engine), engine.begin() as connection:
        connection.execute(_LOCK)
        require_server(connection)
        before = installed(connection)
        _refuse_newer(before)
        _require_ownership(connection)
        if before != HEAD:
            _require_roles(connection)
            _upgrade(connection)
    with translated(engine):
        left_out = _look_after(engine)
    return MigrationReport(before, HEAD, left_out)


def check(engine: Engine) -> None:
    """Raises Configuration unless the schema is the one this release was made for."""
    with connected(engine) as connection:
        require_schema(connection)


def require_schema(connection: Connection) -> None:
    """Raises Configuration unless the schema is the one this release was made for."""
    version = installed(connection)
    _refuse_newer(version)
    if version is None:
        raise Configuration("there is no archive in this database: run `archiver migrate`")
    if version != HEAD:
        raise Configuration(
            f"the schema is at revision {version}, this archiver needs {HEAD}: "
            "run `archiver migrate`"
        )


def require_server(connection: Connection) -> None:
    """Raises Configuration for a server or a database that the archive cannot live in."""
    major = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if major < OLDEST_SERVER:
        raise Configuration(f"PostgreSQL {OLDEST_SERVER} or newer is needed, this is {major}")
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise Configuration(
            f"the database has the encoding {encoding}: create it with ENCODING 'UTF8'"
        )


def installed(connection: Connection) -> str | None:
    """The revision of the schema in this database; None where there is none.

    Raises Configuration where it says none, or several.
    """
    if connection.execute(_HAS_VERSION, {"schema": SCHEMA}).first() is None:
        return None
    versions = connection.scalars(_VERSION).all()
    if len(versions) != 1:
        raise Configuration(
            f"archive.schema_version holds {len(versions)} rows instead of one: the schema was "
            "restored without its data, or changed by hand; restore both together, or DROP SCHEMA "
            "archive CASCADE if nothing was ever archived in it"
        )
    return str(versions[0])


def _refuse_newer(version: str | None) -> None:
    # Revisions are numbers of four digits; whatever else stands there was not made by this program.
    if version is not None and not (version.isdigit() and version <= HEAD):
        raise Configuration(
            f"the schema is at revision {version}, this archiver knows revisions up to {HEAD}: "
            "install a newer archiver"
        )


def _require_ownership(connection: Connection) -> None:
    if (found := connection.execute(_NOT_OURS, {"schema": SCHEMA}).first()) is not None:
        raise Forbidden(
            f"run `archiver migrate` as {found.owner}, who owns archive.revision: {found.who} may "
            "neither change the schema nor refresh its statistics"
        )


def _require_roles(connection: Connection) -> None:
    missing = connection.scalars(_MISSING_ROLES, {"roles": list(ROLES)}).all()
    if missing and not connection.scalar(_MAY_CREATE_ROLES):
        lines = "\n".join(f"  CREATE ROLE {role} NOLOGIN;" for role in missing)
        raise Configuration(
            f"this user may not create roles; let somebody who may run\n{lines}\n"
            "and then `archiver migrate` again"
        )


def _upgrade(connection: Connection) -> None:
    # Alembic is slow to import, and nothing else needs it.
    from alembic import command
    from alembic.config import Config

    if connection.execute(_SCHEMA_IS_THERE, {"schema": SCHEMA}).first() is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "archiver.db:migrations")
    command.upgrade(config, "head")


def _look_after(engine: Engine) -> tuple[str, ...]:
    """What the owner alone may do; autovacuum never analyzes a partitioned table.

    Gives the statements that this user may not run.
    """
    for ahead in range(_MONTHS_AHEAD + 1):
        with engine.begin() as connection:
            connection.execute(_ENSURE_MONTH, {"ahead": ahead})
    with engine.begin() as connection:
        connection.execute(_LOCK)
        connection.execute(_DATABASE)
        connection.execute(text("ANALYZE archive.revision"))
        return tuple(connection.scalars(_LEFT_OUT))
