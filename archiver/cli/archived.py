"""`archiver get`: gives a resource back as it was archived."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.cli.exact_yaml import exact_yaml
from archiver.cli.standard_output import write_bytes
from archiver.db.archive import Archived, Kept, find, find_quarantined
from archiver.domain import canonical, gotime
from archiver.errors import Configuration, Integrity

if TYPE_CHECKING:
    from sqlalchemy import Engine

# What reading bytes as JSON may raise that are none, or another JSON than ours.
_UNREADABLE = (canonical.NotCanonical, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True)
class Within:
    """Where an object is looked for. `cluster_id` is a UUID, the nil one for unknown clusters."""

    namespace: str | None = None
    cluster_id: str | None = None

    def find(self, engine: "Engine", name: str, revision: int | None) -> Sequence[Archived]:
        """As `archive.find` does."""
        return find(
            engine,
            name,
            namespace=self.namespace,
            cluster_id=self.cluster_id,
            revision=revision,
        )

    def quarantined(self, engine: "Engine", name: str, uid: str) -> Sequence[Kept]:
        """As `archive.find_quarantined` does."""
        return find_quarantined(
            engine, name, uid=uid, namespace=self.namespace, cluster_id=self.cluster_id
        )

    def __str__(self) -> str:
        namespace = f" in namespace {self.namespace}" if self.namespace else ""
        return namespace + (f" of cluster {self.cluster_id}" if self.cluster_id else "")


def show(engine: "Engine", name: str, *, within: Within, revision: int | None, output: str) -> None:
    """Print the newest object of that uid or name, at its newest revision or at the one given.

    Several objects may have had the name: the youngest is shown, the others are named on standard
    error, as is what lies in the quarantine. Raises Configuration where there is none, and
    Integrity where its bytes are not what was once stored.
    """
    found = list(within.find(engine, name, None))
    if found and revision is not None:
        found[0] = _at(revision, within.find(engine, name, revision), found)
    uid = found[0].uid if found else name
    kept = within.quarantined(engine, name, uid)
    if not found:
        nothing = f"nothing is archived under the name or uid {name!r}{within}"
        raise Configuration("; ".join([nothing, *(f"quarantined: {item}" for item in kept)]))
    for other in found[1:]:
        _say(f"also: {other.namespace}/{other.name} uid {other.uid}{_apart(other, found)}")
    for item in kept:
        _say(f"also quarantined: {item}")
    write_bytes(_written(found[0], output))


def _at(revision: int, there: Sequence[Archived], found: Sequence[Archived]) -> Archived:
    """The youngest of those that are found, at this revision: never another one of its name."""
    if same := next((one for one in there if one.object == found[0].object), None):
        return same
    known = ", ".join(
        f"{one.namespace}/{one.name} (uid {one.uid}){_apart(one, found)} has "
        + (f"the revisions 0 to {one.revision}" if one.revision else "the revision 0 alone")
        for one in found
    )
    which = " of the youngest; name one by its uid" if there else ""
    raise Configuration(f"there is no revision {revision}{which}: {known}")


def _apart(one: Archived, found: Sequence[Archived]) -> str:
    """What tells it from the others where namespace, name and uid may not."""
    cluster = "" if len({other.cluster_id for other in found}) == 1 else f", {one.cluster}"
    births = {other.created_at for other in found if other.uid == one.uid}
    born = gotime.format_time(gotime.from_datetime(one.created_at))
    return cluster if len(births) == 1 else f"{cluster}, created {born}"


def whole(archived: Archived) -> bytes:
    """Evidence and circumstances put together again: canonical JSON, number literals as stored."""
    members = canonical.members(archived.content)
    metadata = canonical.members(members["metadata"]) | canonical.members(archived.circumstances)
    return canonical.canonical_object(members | {"metadata": canonical.canonical_object(metadata)})


def _written(archived: Archived, output: str) -> bytes:
    try:
        content = whole(archived)
        # JSON as the very bytes: a pretty printer would have to decode, and touch the literals.
        return content + b"\n" if output == "json" else exact_yaml(content).encode()
    except RecursionError:
        raise Configuration("it is nested too deep for YAML: ask for -o json") from None
    except _UNREADABLE as error:
        raise Integrity(
            f"the stored bytes of {archived.namespace}/{archived.name} (uid {archived.uid}), "
            f"revision {archived.revision}, are no longer those of a resource "
            f"({type(error).__name__}: {error}): somebody has changed the database"
        ) from None


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - a hint for the person at the terminal
