"""The rule: which evidence makes which revision. Pure."""

from enum import Enum
from typing import Final

from archiver.db.newest import Newest
from archiver.domain.record import AuditRecord


class Verdict(Enum):
    """Why a record makes no revision."""

    SAME = "its evidence is the newest revision's"
    STALE = "the archive holds other evidence of a higher resource version"
    UNORDERED = "the archive holds other evidence, and no resource version says which is later"


FIRST: Final = 0


def next_revision(record: AuditRecord, newest: Newest | None, *, reread: bool) -> int | Verdict:
    """The number of the revision this record makes, or why it makes none.

    A record that is not known to be later than the newest revision was perhaps read before it. The
    caller reads the object once more; with `reread`, the API server has confirmed it and it counts
    as newest: a cluster restored from an older etcd, an object whose bytes changed at the same
    resource version (the CRD serves another version). A record of a file that names none never
    counts as newest: it may be older, and then the current record would be wrong.
    """
    if newest is None:
        return FIRST
    if newest.digest == record.content_sha256:
        return Verdict.SAME
    if reread or record.resource_version > newest.resource_version:
        return newest.revision + 1
    known = 0 < record.resource_version < newest.resource_version
    return Verdict.STALE if known else Verdict.UNORDERED
