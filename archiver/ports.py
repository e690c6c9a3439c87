"""What the pipeline needs from the outside, and no more: three protocols and their values.

`Source` and `Marker` know nothing of PostgreSQL, `Store` nothing of Kubernetes, and `Store`
assumes no SQL: a second one that speaks HTTP to a data storage service fits the same protocol.
Every method raises only errors from `archiver.errors`.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from archiver.domain.custom_resource import CustomResource
from archiver.domain.mark import Mark
from archiver.domain.metadata import Key, PartialObject
from archiver.domain.plan import Surroundings
from archiver.domain.record import AuditRecord

# The cluster of a Source that does not know its own: the nil UUID (RFC 9562).
UNKNOWN_CLUSTER: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Unparsed:
    """An object whose bytes did not even give a head: named by where it was found."""

    position: str
    reason: str
    message: str
    raw: bytes
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the list: objects in the server's order, and those it could not read.

    `nbytes` is the size of the page's bytes, by which memory is bounded.
    """

    resources: Sequence[CustomResource]
    unparsed: Sequence[Unparsed] = ()
    nbytes: int = 0


class Source(Protocol):
    """Where custom resources come from: an API server, or files."""

    @property
    def cluster_id(self) -> str:
        """The uid of the namespace kube-system: identity of the cluster, part of every key.

        UNKNOWN_CLUSTER where a file does not say.
        """

    @property
    def now(self) -> int:
        """The source's clock in nanoseconds since the epoch, read once a run (the Date header)."""

    @property
    def live(self) -> bool:
        """Whether there is a server that `read` can ask."""

    def pages(self) -> Iterator[Page]:
        """Every object once a run, page by page.

        Raises Configuration (the resource is not served, a right is missing) and Unavailable.
        """

    def surroundings(self, page: Page) -> Surroundings:
        """What is known of the owners and namespaces of this page's objects.

        Never raises for want of a right: what may not be read is unknown.
        """

    def read(self, resource: PartialObject) -> CustomResource | Unparsed | None:
        """The object of this namespace and name as it is now; None if that uid is gone.

        Only where `live`. Raises Configuration and Unavailable.
        """


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Bytes that could not become a record, kept as they are until a person has looked."""

    position: str
    reason: str
    message: str
    raw: bytes
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction stores. `records` hold at most one record of a uid.

    `reread` names the uids whose resource version the API server has confirmed just now although
    the archive holds a higher one (a cluster restored from an older etcd): they are inserted.
    `live` is that of the source: a later revision from a file gets a flag
    (`AuditRecord.as_revision`), and a uid from a file that is stored with another created_at is
    refused.
    """

    run_id: str
    cluster_id: str
    records: Sequence[AuditRecord]
    quarantined: Sequence[Quarantined] = ()
    reread: frozenset[str] = frozenset()
    live: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """What a store did with a batch, durably.

    `inserted`: uid → revision number of the new rows; a uid that is missing needed none.
    `stale`: uids whose evidence differs from the newest revision and is not known to be later:
    nothing was inserted for them, the caller reads them again.
    `refused`: uid → why the store does not take the values of this record; the others went in.
    `unordered`: those of the stale ones that may be later as well as earlier (no resource version,
    or the same one) and that are no earlier revision either: the archive holds them nowhere.
    `swallowed`: those of which the server took a row and inserted none, without an error.
    """

    inserted: Mapping[str, int] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()
    quarantined: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)
    unordered: frozenset[str] = frozenset()
    swallowed: frozenset[str] = frozenset()


class Store(Protocol):
    """Where records go. Insert-only: nothing here changes or deletes a row."""

    @property
    def store_id(self) -> str:
        """Identity of this store (a UUID made when it was set up); a mark names it."""

    def newest(self, cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        """uid → content_sha256 (64 hex digits) of the newest stored revision, in a new statement.

        Raises Unavailable and Configuration.
        """

    def holds(self, cluster_id: str, key: Key, digest: str) -> bool:
        """Whether any revision of the object has this content_sha256, be it the newest or not.

        Raises Unavailable and Configuration.
        """

    def write(self, batch: Batch) -> Written:
        """Store a batch; on return it is durable, or an error is raised and may be retried.

        Raises Unavailable, Configuration, Integrity.
        """


class MarkOutcome(StrEnum):
    """How a mark ended, where that is no error."""

    MARKED = "marked"
    # Changed since it was read (409, or 422 on the uid), or by admission while it was marked.
    CONFLICT = "conflict"
    GONE = "gone"  # 404


class Stop(Protocol):
    """Whether the run has been asked to end (SIGTERM), or has reached its deadline."""

    def requested(self) -> bool:
        """List nothing more; finish what is held."""

    def expired(self) -> bool:
        """The time for finishing is used up too: leave now."""


class Marker(Protocol):
    """Writes the mark on the object, so that cleanup may proceed."""

    def mark(self, resource: PartialObject, mark: Mark) -> "Future[MarkOutcome]":
        """Begin to mark the very object that was read: uid and resourceVersion are preconditions.

        Comes back at once; how many are sent at a time is the marker's business. The future ends
        with the outcome, with MarkRefused for this object alone, with Forbidden where the right is
        missing, or with Unavailable. After one of the latter two what is not sent yet, and what is
        begun later, ends with the same error. It can be cancelled until it is sent.
        """
