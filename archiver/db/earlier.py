"""Whether earlier runs have archived anything of a cluster."""

from typing import Final

from sqlalchemy import Engine, text

from archiver.db.deadline import Limit
from archiver.db.transaction import connected

# No index has the cluster first, and none is worth it for a question of runs that found nothing. Of
# a known cluster the scan ends with the first hit. Of an unknown one it goes through the heap of
# archive.batch, a row for each page of a run and most of its arrays out of line: 1.6 kB for
# a page of 100 rows, so 160 MB for 10 million.
_IS_KNOWN: Final = text("""
    SELECT EXISTS (SELECT FROM archive.batch WHERE cluster_id = CAST(:cluster_id AS uuid))
""")
# A warning is not worth more.
_LIMIT: Final = Limit(5.0)


def has_archived(engine: Engine, cluster_id: str) -> bool:
    """Whether there is a batch of this cluster; its rows may be of months that were dropped.

    Raises ArchiverError, also where the answer takes more than five seconds.
    """
    with connected(engine, limit=_LIMIT) as connection:
        return bool(connection.scalar(_IS_KNOWN, {"cluster_id": cluster_id}))
