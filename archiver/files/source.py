"""The port Source: custom resources of files."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Final

import structlog

from archiver.domain.custom_resource import CustomResource, parse
from archiver.domain.metadata import PartialObject
from archiver.domain.plan import Surroundings
from archiver.errors import Configuration, Unavailable, Unreadable
from archiver.files import inputs
from archiver.files.dump import documents
from archiver.files.head import Head, head_of
from archiver.files.kube_system import KubeSystem, refuse_mixed
from archiver.files.lists import Document, Entry
from archiver.files.resource import Resource
from archiver.files.selector import Selector, selector
from archiver.ports import UNKNOWN_CLUSTER, Page, Unparsed

MEBIBYTE: Final = 1 << 20
_KINDS_SHOWN: Final = 10
_FILES_SHOWN: Final = 10
_log = structlog.get_logger()


class FileSource:
    """The custom resources of one API group in files, directories or standard input (`-`).

    `group`, `plural` and `kind` are those of `files.resource`.
    `namespace`: None for all of them. `page_bytes`: a page is given as soon as it holds this much.
    Objects of other kinds are counted in `ignored`, by "kind.group", but for the namespace
    kube-system, which names the cluster; so are files of a directory that are not read because of
    their name, by "file *.suffix"; objects met again with the very same bytes in `repeated`.
    What is not of this namespace and these labels is passed over, as a server would.

    The files are read once: `pages` may be called once.
    """

    def __init__(  # noqa: PLR0913  # what is read, whose it is, and filters: all by keyword
        self,
        paths: Sequence[str],
        *,
        group: str,
        cluster_id: str | None = None,
        plural: str | None = None,
        kind: str | None = None,
        namespace: str | None = None,
        label_selector: str | None = None,
        page_bytes: int = 2 * MEBIBYTE,
        ignored: Counter[str] | None = None,
    ) -> None:
        """Raises Configuration: a path that does not exist, a selector that cannot be read."""
        self._resource = Resource(group, plural, kind)
        self.namespace = namespace
        self.page_bytes = page_bytes
        self.given_cluster_id = cluster_id
        self.ignored: Counter[str] = Counter() if ignored is None else ignored
        self.repeated = 0
        self._met_one = False
        self._selects: Selector = selector(label_selector or "")
        self._not_read: list[str] = []
        self._names = inputs.names(paths, self._not_read)
        self.ignored.update(map(inputs.kind_of_name, self._not_read))
        self._entries = documents(self._names)
        self._ahead: list[CustomResource | Unparsed] = []
        self._kube_system = KubeSystem(cluster_id)

    @cached_property
    def cluster_id(self) -> str:
        """The given one; else the uid of kube-system, if the files have it before all resources.

        Else UNKNOWN_CLUSTER: nothing is guessed, and all such files are one cluster.
        Raises Configuration where the files are dumps of several clusters, or not the given one's.
        """
        refuse_mixed(self._names, self.given_cluster_id)
        if self.given_cluster_id:
            return self.given_cluster_id
        while not self._kube_system.uid and (entry := next(self._entries, None)) is not None:
            found = self._wanted(entry)
            if found is not None:
                self._ahead.append(found)
            if isinstance(found, CustomResource):
                break
        return self._kube_system.uid or UNKNOWN_CLUSTER

    @cached_property
    def now(self) -> int:
        """This machine's clock in nanoseconds since the epoch, at the first time it is asked."""
        return time.time_ns()

    @property
    def live(self) -> bool:
        """No: a file can only repeat itself."""
        return False

    def pages(self) -> Iterator[Page]:
        """The objects in the order of the files. No page holds a uid twice.

        A uid that comes again with other bytes is given again, on a later page. Raises
        Configuration where a file cannot be opened, where kube-system is another cluster's, and at
        the end if there were objects and none of them was of the wanted kind.
        """
        # Before the first page, because whether kube-system comes first is to be known by then.
        _ = self.cluster_id
        # By their bytes: two states may have the same resourceVersion, or none.
        seen: set[bytes] = set()
        page = _Collected()
        for found in chain(self._taken_ahead(), self._rest()):
            if isinstance(found, CustomResource):
                digest = hashlib.sha256(found.raw).digest()
                if digest in seen:
                    self.repeated += 1
                    continue
                seen.add(digest)
                if found.key.uid in page.uids:
                    yield page.close()
            page.add(found)
            if page.nbytes >= self.page_bytes:
                yield page.close()
        if page.nbytes or page.unparsed:
            yield page.close()
        self._say_what_was_passed_over()

    def surroundings(self, page: Page) -> Surroundings:
        """Nothing: files do not say what has become of owners and namespaces."""
        return Surroundings()

    def read(self, resource: PartialObject) -> CustomResource | Unparsed | None:
        """Raises Unavailable: what a file says of an object, it says once."""
        raise Unavailable(f"{resource} is of a file: nobody can be asked what it is now")

    def _taken_ahead(self) -> Iterator[CustomResource | Unparsed]:
        taken, self._ahead = self._ahead, []
        return iter(taken)

    def _rest(self) -> Iterator[CustomResource | Unparsed]:
        for entry in self._entries:
            if found := self._wanted(entry):
                yield found

    def _wanted(self, entry: Entry) -> CustomResource | Unparsed | None:
        if isinstance(entry, Unparsed):
            return entry
        head = head_of(entry)
        if head and not (head.kind and head.api_version):
            return _nameless(entry, head)
        if head and not self._is_wanted(head, entry.position):
            return None
        self._met_one = True
        try:
            found = parse(
                entry.raw,
                position=entry.position,
                api_version=entry.api_version,
                kind=entry.kind,
            )
        except Unreadable as error:
            uid = head.metadata.uid if head else ""
            return Unparsed(entry.position, error.reason, str(error), entry.raw, uid)
        metadata = found.metadata
        if self.namespace is not None and metadata.namespace != self.namespace:
            return None
        return found if self._selects(metadata.labels or {}) else None

    def _is_wanted(self, head: Head, position: str) -> bool:
        group = head.api_version.rpartition("/")[0]
        if self._resource.is_of(group, head.kind):
            return True
        if head.is_kube_system:
            self._kube_system.met(head.metadata.uid, position)
        else:
            self.ignored[f"{head.kind}.{group}" if group else head.kind] += 1
        return False

    def _say_what_was_passed_over(self) -> None:
        if not self.ignored:
            return
        named = {"files": self._not_read[:_FILES_SHOWN]} if self._not_read else {}
        wanted = str(self._resource)
        _log.info("objects.ignored", kinds=dict(self.ignored), wanted=wanted, **named)
        objects = self.ignored - Counter(map(inputs.kind_of_name, self._not_read))
        if objects and not self._met_one:
            most = objects.most_common(_KINDS_SHOWN)
            held = ", ".join(f"{count} {kind}" for kind, count in most)
            raise Configuration(
                f"--from: nothing in it is of {self._resource}, it holds {held}: name the "
                "resource with --resource, and its kind with --kind where the plural is an unusual "
                "one"
            )


def _nameless(entry: Document, head: Head) -> Unparsed:
    """It may be one of those that are wanted, and nobody can tell."""
    what, reason = ("apiVersion", "no-api-version") if head.kind else ("kind", "no-kind")
    message = f"{entry.position}: {what} is missing, so that nobody can tell what it is"
    return Unparsed(entry.position, reason, message, entry.raw, head.metadata.uid)


class _Collected:
    """A page that is being filled."""

    def __init__(self) -> None:
        self.resources: list[CustomResource] = []
        self.unparsed: list[Unparsed] = []
        self.uids: set[str] = set()
        self.nbytes = 0

    def add(self, found: CustomResource | Unparsed) -> None:
        self.nbytes += len(found.raw)
        if isinstance(found, Unparsed):
            self.unparsed.append(found)
        else:
            self.resources.append(found)
            self.uids.add(found.key.uid)

    def close(self) -> Page:
        page = Page(tuple(self.resources), tuple(self.unparsed), self.nbytes)
        self.resources, self.unparsed, self.uids, self.nbytes = [], [], set(), 0
        return page
