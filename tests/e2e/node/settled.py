"""The end that every story here must have: one row and one mark for each resource."""

from collections.abc import Iterable

import psycopg

from tests.e2e.deploy.kube_api import Object
from tests.e2e.run.objects import Collection, digest_in_mark, is_marked, uid

_REVISIONS = """
    SELECT uid, count(*), max(encode(content_sha256, 'hex'))
    FROM archive.revision WHERE uid = ANY(%s) GROUP BY uid
"""


def revisions(url: str, resources: Iterable[Object]) -> dict[str, tuple[int, str]]:
    """uid → how many rows it has, and the digest of one."""
    with psycopg.connect(url) as connection:
        found = connection.execute(_REVISIONS, [[uid(o) for o in resources]]).fetchall()
    return {str(who): (int(count), str(digest)) for who, count, digest in found}


def assert_settled(url: str, processings: Collection, resources: list[Object]) -> None:
    """Each has exactly one row and carries its digest: nothing is lost, nothing doubled."""
    stored, now = revisions(url, resources), processings.all()
    for resource in resources:
        name = resource["metadata"]["name"]
        count, digest = stored.get(uid(resource), (0, ""))
        assert count == 1, f"{name}: {count} rows"
        assert digest_in_mark(now[uid(resource)]) == digest, name


def assert_no_mark_without_row(url: str, processings: Collection, resources: list[Object]) -> int:
    """No mark came before its row, and no row twice; how many are marked."""
    now = processings.all()
    marked = [o for o in resources if is_marked(now[uid(o)])]
    stored = revisions(url, resources)
    assert {uid(o) for o in marked} <= stored.keys()
    assert all(count == 1 for count, _ in stored.values())
    return len(marked)
