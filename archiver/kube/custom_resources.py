"""The items of a list as custom resources, each of them once a run."""

from collections.abc import Iterator

import msgspec
import structlog

from archiver.domain.custom_resource import CustomResource, parse
from archiver.errors import Unavailable, Unreadable
from archiver.kube.list_body import ListBody, identity
from archiver.kube.pagination import Pagination
from archiver.ports import Page, Unparsed

_log = structlog.get_logger()


class CustomResourcePages:
    """Turns one list into pages of custom resources.

    A list that began anew gives objects again. Which ones were seen is not remembered by uid, which
    would take memory for every object of every run: the API server sorts a list by namespace/name,
    so the last path that was seen says it, and what is not beyond it is passed over. That the order
    holds is checked all along.
    """

    def __init__(self, listing: Pagination) -> None:
        """`listing` must not have been begun."""
        self._listing = listing
        self._fresh_starts = 0
        self._pages = 0
        self._last = ""
        self._sorted = True
        # Up to where a list that began anew is passed over; empty where it did not.
        self._seen = ""

    def __iter__(self) -> Iterator[Page]:
        """The pages. Raises what Pagination.pages raises."""
        return self._listing.pages(self._page)

    def _page(self, listed: ListBody, nbytes: int) -> Page:
        self._pages += 1
        if self._listing.fresh_starts != self._fresh_starts:
            self._begin_anew()
        resources: list[CustomResource] = []
        unparsed: list[Unparsed] = []
        for index, item in enumerate(self._beyond_what_was_seen(listed.items or [])):
            # A copy: a view would keep the whole page alive as long as one of its objects.
            found = read(bytes(item), listed, f"item {index} of page {self._pages}")
            if isinstance(found, CustomResource):
                resources.append(found)
                self._passed(f"{found.metadata.namespace}/{found.metadata.name}")
            else:
                unparsed.append(found)
                self._passed(identity(item).path)
        return Page(resources, unparsed, nbytes)

    def _begin_anew(self) -> None:
        self._fresh_starts = self._listing.fresh_starts
        if not self._sorted:
            raise Unavailable(
                "the list expired and had to begin anew, but is not sorted by namespace and name: "
                "it cannot be told which objects this run has seen"
            )
        self._seen = self._last
        _log.info("list.begun_anew", seen_up_to=self._seen)

    def _beyond_what_was_seen(self, items: list[msgspec.Raw]) -> Iterator[msgspec.Raw]:
        for item in items:
            # An item without a name stands beside the one before it.
            if self._seen and (path := identity(item).path):
                self._seen = self._seen if path <= self._seen else ""
            if not self._seen:
                yield item

    def _passed(self, path: str) -> None:
        # etcd sorts by bytes, which in UTF-8 is the order of code points, which is that of str.
        if path:
            self._sorted = self._sorted and self._last < path
            self._last = path


def read(raw: bytes, listed: ListBody, place: str) -> CustomResource | Unparsed:
    """An item of this list; `place` names it where its own name cannot be read."""
    kind = listed.item_kind
    try:
        return parse(raw, position="", api_version=listed.api_version, kind=kind)
    except Unreadable:
        # Rare: only now is it worth finding out what to call it.
        known = identity(raw)
    position = known.path or place
    try:
        return parse(raw, position=position, api_version=listed.api_version, kind=kind)
    except Unreadable as error:
        return Unparsed(position, error.reason, str(error), raw, known.uid)
