"""A copy of a database has its template's identity, and marks of one would be the other's too."""

from tests.postgres.sql import execute


def renew_identity(owner_url: str) -> None:
    """Marks of whatever it was copied from count for nothing from now on."""
    execute(owner_url, "UPDATE archive.store SET store_id = gen_random_uuid()")
