"""A database's schema as text: what the migrations made, in the catalogs' own words."""

from typing import Final

from sqlalchemy import Engine

# From PostgreSQL 18 on, not-null constraints have names: they are left to the columns.
_QUERIES: Final = {
    "columns": """
        SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
            || CASE WHEN a.attgenerated = 's' THEN ' generated' WHEN d.oid IS NULL THEN ''
                    ELSE ' default' END
            || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
            || CASE WHEN a.attstorage <> t.typstorage THEN ' storage ' || a.attstorage::text
                    ELSE '' END
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT c.relispartition AND c.relkind IN ('r', 'p', 'v')
          AND (c.relnamespace = 'archive'::regnamespace OR c.relname = 'alert_processing_audit')
        ORDER BY c.relname, a.attnum""",
    "constraints": """
        SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'archive'::regnamespace AND contype <> 'n'
          AND NOT (SELECT relispartition FROM pg_class WHERE pg_class.oid = conrelid)
        """,
    "indexes": """
        SELECT replace(indexdef, ' ONLY ', ' ') FROM pg_indexes
        WHERE schemaname = 'archive' AND tablename !~ '^revision_[0-9]'""",
    "statistics": """
        SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
        WHERE stxrelid = 'archive.revision'::regclass""",
    "triggers": """
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = 'archive.revision'::regclass AND NOT tgisinternal""",
    # PostgreSQL 18 leaves out the qualifiers that are not needed.
    "view": r"""
        SELECT regexp_replace(pg_get_viewdef('public.alert_processing_audit'), '\mr\.', '', 'g')
        """,
    "functions": """
        SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = 'archive'::regnamespace ORDER BY proname""",
    "grants": """
        SELECT DISTINCT what || ': ' || grantee || ' ' || privilege FROM (
            SELECT oid::regclass::text, (aclexplode(relacl)).* FROM pg_class
            WHERE (relnamespace = 'archive'::regnamespace OR relname = 'alert_processing_audit')
            UNION ALL SELECT oid::regprocedure::text, (aclexplode(proacl)).* FROM pg_proc
            WHERE pronamespace = 'archive'::regnamespace
            UNION ALL SELECT 'schema ' || nspname, (aclexplode(nspacl)).* FROM pg_namespace
            WHERE nspname = 'archive'
        ) AS acl (what, grantor, grantee_id, privilege, grantable),
        LATERAL (SELECT CASE WHEN grantee_id = 0 THEN 'PUBLIC' ELSE grantee_id::regrole::text END)
            AS named (grantee)
        WHERE grantee_id <> grantor""",
}


def snapshot(engine: Engine) -> str:
    """All of it, in a fixed order, without the monthly partitions."""
    lines = []
    with engine.connect() as connection:
        # Otherwise names are qualified or not as the session pleases.
        connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
        for title, query in _QUERIES.items():
            lines.append(f"== {title}")
            found = connection.exec_driver_sql(query).scalars().all()
            # By code point: the order of a database depends on its locale.
            lines += found if title == "columns" else sorted(found)
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"
