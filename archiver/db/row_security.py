"""Row-level security hides rows without a word: an archive must not have any."""

from typing import Final

from sqlalchemy import Connection, text

from archiver.errors import Configuration

# In force for this user: not for the owner and superusers, and not with BYPASSRLS.
_HIDING_ROWS: Final = text("""
    SELECT 'archive.' || c.relname AS name, current_user AS who
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'archive' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND row_security_active(c.oid)
    ORDER BY 1
""")


def require_all_rows(connection: Connection) -> None:
    """Raises Configuration where a policy may hide rows of the archive from this user.

    Who reads sees no error: what is stored looks as if it were not. And COPY refuses such a table.
    """
    if hiding := connection.execute(_HIDING_ROWS).all():
        names = [row.name for row in hiding]
        remedy = "; ".join(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY" for name in names)
        raise Configuration(
            f"row-level security may hide rows of {', '.join(names)} from the database user "
            f"{hiding[0].who}: as the archive's owner, {remedy}"
        )
