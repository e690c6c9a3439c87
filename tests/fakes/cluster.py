"""A cluster in memory: Source and Marker in one, with hooks between their calls, and faults."""

import copy
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from archiver.domain.custom_resource import CustomResource, parse
from archiver.domain.mark import Mark, merge_patch
from archiver.domain.metadata import Key, PartialObject
from archiver.domain.plan import NOTHING_KNOWN, Surroundings
from archiver.errors import ArchiverError, Interrupted, MarkRefused
from archiver.ports import Batch, MarkOutcome, Page, Unparsed, Written
from tests.fakes.store import MemoryStore

Object = dict[str, Any]


class Crash(BaseException):
    """The process is gone: nothing that it does afterwards has an effect."""


@dataclass
class Calls:
    """Every call of the fakes, numbered in order, some of them made to fail.

    `faults` are raised by the n-th call (from 1) of a name, before it has an effect. The call
    number `crash_at`, of any name, raises Crash; with `crash_late` after it had its effect.
    """

    log: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[tuple[str, int], Exception] = field(default_factory=dict)
    crash_at: int = 0
    crash_late: bool = False
    _count: Counter[str] = field(default_factory=Counter)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def call(self, name: str, *details: str) -> Iterator[None]:
        """One call: nothing else happens meanwhile. Every detail is a line of the log."""
        with self._lock:
            self._count["all"] += 1
            self._count[name] += 1
            turn = self._count["all"]
            dead = turn > self.crash_at or (turn == self.crash_at and not self.crash_late)
            if self.crash_at and dead:
                raise Crash
            fault = self.faults.get((name, self._count[name]))
            if fault is not None:
                raise fault
            self.log += [(name, detail) for detail in details]
            yield
            if turn == self.crash_at:
                raise Crash

    @property
    def total(self) -> int:
        """How many calls there were."""
        return self._count["all"]

    def revive(self) -> None:
        """The next process: no faults any more."""
        self.crash_at = 0
        self.faults.clear()


@dataclass
class MemoryCluster:
    """`archiver.ports.Source` and `Marker` over a dictionary of objects by namespace and name.

    `listing` is what `pages` shows where that is not what the cluster holds: a dump, a stale list.
    `before_page`, `before_mark` and `before_read` act just before the call, and may raise.
    `lost_replies` names uids whose next mark is applied, answered into the void and sent again,
    `unreadable` those that `read` cannot parse.
    """

    calls: Calls
    now: int
    cluster_id: str = "cluster"
    live: bool = True
    page_size: int = 100
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    listing: list[Object] | None = None
    unparsed: list[Unparsed] = field(default_factory=list)
    before_page: Callable[[int], None] = lambda _number: None
    before_mark: Callable[[PartialObject], None] = lambda _resource: None
    before_read: Callable[[PartialObject], None] = lambda _resource: None
    lost_replies: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    listed: int = 0
    patches: int = 0
    version: int = 1000
    marks_at_once: int = 2
    _pool: ThreadPoolExecutor | None = None
    _unmarkable: ArchiverError | None = None

    def put(self, manifest: Object, *, version: int | None = None) -> Object:
        """Create or replace an object; the answer is the one that is held, not a copy."""
        self.version += 1
        held = copy.deepcopy(manifest)
        held["metadata"]["resourceVersion"] = str(version or self.version)
        self.objects[held["metadata"]["namespace"], held["metadata"]["name"]] = held
        return held

    def delete(self, known: Object | PartialObject) -> None:
        """Delete whatever has this namespace and name."""
        del self.objects[_name(known)]

    def edit(self, known: Object | PartialObject, change: Callable[[Object], None]) -> None:
        """Change an object in place."""
        held = self.objects[_name(known)]
        change(held)
        self.put(held)

    def pages(self) -> Iterator[Page]:
        """The objects by pages; what could not be parsed stands on the first."""
        shown = list(self.objects.values()) if self.listing is None else self.listing
        resources = [parsed(manifest) for manifest in shown]
        for number, start in enumerate(range(0, max(len(resources), 1), self.page_size), 1):
            self.before_page(number)
            with self.calls.call("list", str(number)):
                page = Page(
                    resources[start : start + self.page_size],
                    self.unparsed if number == 1 else (),
                )
            self.listed += len(page.resources) + len(page.unparsed)
            yield page

    def surroundings(self, page: Page) -> Surroundings:
        """Nothing is known of owners and namespaces."""
        del page
        return NOTHING_KNOWN

    def read(self, resource: PartialObject) -> CustomResource | Unparsed | None:
        """The object as it is now."""
        self.before_read(resource)
        with self.calls.call("read", resource.key.uid):
            held = self.objects.get(_name(resource))
            if held is None or held["metadata"]["uid"] != resource.key.uid:
                return None
            if resource.key.uid in self.unreadable:
                raw = json.dumps(held).encode()
                return Unparsed(str(resource), "too-deep", "too deep", raw, resource.key.uid)
            return parsed(held)

    def mark(self, resource: PartialObject, mark: Mark) -> "Future[MarkOutcome]":
        """Patch under the preconditions of uid and resourceVersion, `marks_at_once` at a time."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.marks_at_once, "mark")
        return self._pool.submit(self._mark, resource, mark)

    def end(self) -> None:
        """The run is over. What hangs is not waited for, and what failed is tried by the next."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._unmarkable = None

    def _mark(self, resource: PartialObject, mark: Mark) -> MarkOutcome:
        if self._unmarkable is not None:
            raise self._unmarkable
        try:
            return self._marked(resource, mark)
        except (MarkRefused, Interrupted):
            raise
        except ArchiverError as error:
            self._unmarkable = error
            raise

    def _marked(self, resource: PartialObject, mark: Mark) -> MarkOutcome:
        self.before_mark(resource)
        with self.calls.call("mark", f"{mark.uid} {mark.digest}"):
            patch = merge_patch(resource.metadata, mark)
            if mark.uid in self.lost_replies:
                self.lost_replies.remove(mark.uid)
                self._patch(resource, patch)
            return self._patch(resource, patch)

    def _patch(self, resource: PartialObject, patch: Object) -> MarkOutcome:
        held = self.objects.get(_name(resource))
        if held is None:
            return MarkOutcome.GONE
        if any(held["metadata"][key] != patch["metadata"][key] for key in _PRECONDITIONS):
            return MarkOutcome.CONFLICT
        self.patches += 1
        self.put(_merged(held, patch))
        return MarkOutcome.MARKED


@dataclass
class ObservedStore:
    """A `MemoryStore` whose calls are recorded and may fail.

    The log names what `newest` gave back, not what it was asked. `refuse` maps uids to why the
    store does not take them. `after_write` acts before the answer is read back.
    """

    calls: Calls
    inner: MemoryStore = field(default_factory=lambda: MemoryStore(store_id="store"))
    refuse: dict[str, str] = field(default_factory=dict)
    after_write: Callable[[Batch], None] = lambda _batch: None
    inserts: int = 0

    @property
    def store_id(self) -> str:
        """That of the store within."""
        return self.inner.store_id

    def newest(self, cluster_id: str, keys: Sequence[Key]) -> Mapping[str, str]:
        """As the store within."""
        found = self.inner.newest(cluster_id, keys)
        with self.calls.call("newest", *(f"{uid} {digest}" for uid, digest in found.items())):
            return found

    def holds(self, cluster_id: str, key: Key, digest: str) -> bool:
        """As the store within."""
        with self.calls.call("holds", f"{key.uid} {digest}"):
            return self.inner.holds(cluster_id, key, digest)

    def write(self, batch: Batch) -> Written:
        """As the store within, without what is refused."""
        taken = [record for record in batch.records if record.key.uid not in self.refuse]
        refused = {r.key.uid: self.refuse[r.key.uid] for r in batch.records if r not in taken}
        with self.calls.call("write", *(f"{r.key.uid} {r.content_sha256}" for r in taken)):
            written = self.inner.write(replace(batch, records=taken))
            self.inserts += len(written.inserted)
        self.after_write(batch)
        return replace(written, refused=refused)

    def forget(self, uid: str) -> None:
        """Lose every revision of an object, as a database restored from a backup does."""
        for key in [key for key in self.inner.revisions if key[1] == uid]:
            del self.inner.revisions[key]

    def digests(self) -> dict[str, list[str]]:
        """uid → the digests of its revisions, oldest first."""
        return {
            uid: [record.content_sha256 for record in revisions]
            for (_, uid), revisions in self.inner.revisions.items()
        }


_PRECONDITIONS = ("uid", "resourceVersion")


def parsed(manifest: Object) -> CustomResource:
    """The resource as a source would give it."""
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return parse(raw.encode(), position="a fake cluster")


def _name(known: Object | PartialObject) -> tuple[str, str]:
    if isinstance(known, PartialObject):
        return known.metadata.namespace, known.metadata.name
    return known["metadata"]["namespace"], known["metadata"]["name"]


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
