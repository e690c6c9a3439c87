"""Query plans as values: which part of which month is read, and by which index."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

_PARENTS: Final = text("""
    SELECT child.relname, parent.relname FROM pg_inherits i
    JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE child.relkind = 'i'
""")
_EMPTY: Final = text("""
    SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid
    WHERE inhparent = 'archive.revision'::regclass AND reltuples = 0
""")


@dataclass(frozen=True, slots=True)
class Access:
    """How a month is read: `kind` as EXPLAIN says, `index` by its name on archive.revision.

    `alias` is the one of the query, without the number that each month gets. `joined` is whether
    it takes part in a join of this month alone.
    """

    month: str
    alias: str
    kind: str
    index: str | None
    joined: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one statement. Months without a row are left out: whatever reads them costs nothing."""

    accesses: Sequence[Access]
    rows: int

    def months(self) -> set[str]:
        """The partitions in it; those that were pruned while it was planned are not."""
        return {access.month for access in self.accesses}

    def ways(self, alias: str) -> set[tuple[str, str | None]]:
        """Each kind of access by which a month is read under this alias, with its index."""
        return {(a.kind, a.index) for a in self.accesses if a.alias == alias}

    def indexes(self, alias: str) -> set[str | None]:
        """The indexes by which months are read under this alias; None stands for a full scan."""
        return {index for _, index in self.ways(alias)}


def explain(connection: Connection, statement: str, parameters: Any = None) -> Plan:
    """The plan of a statement as the driver would send it. It is not executed."""
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    document = found.scalar_one()
    root = (json.loads(document) if isinstance(document, str) else document)[0]["Plan"]
    parents = {child: parent for child, parent in connection.execute(_PARENTS)}  # noqa: C416
    empty = set(connection.scalars(_EMPTY))
    accesses = [access for access in _accesses(root, parents) if access.month not in empty]
    return Plan(accesses, root["Plan Rows"])


def _accesses(
    node: dict[str, Any], parents: dict[str, str], *, joined: bool = False
) -> Iterator[Access]:
    kind, below = node["Node Type"], node.get("Plans", [])
    if "Relation Name" in node:
        used = node.get("Index Name") or next(_bitmaps(below), None)
        alias = node["Alias"].rstrip("0123456789").rstrip("_")
        yield Access(node["Relation Name"], alias, kind, parents.get(used or ""), joined)
        return
    within = kind not in ("Append", "Merge Append") and (joined or "Join Type" in node)
    for child in below:
        yield from _accesses(child, parents, joined=within)


def _bitmaps(nodes: Sequence[dict[str, Any]]) -> Iterator[str]:
    for node in nodes:
        if "Index Name" in node:
            yield str(node["Index Name"])
        yield from _bitmaps(node.get("Plans", []))
