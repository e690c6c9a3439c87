"""Owners and namespaces of what was found: read once a run, as far as rights allow."""

from collections.abc import Iterator

import msgspec
import structlog

from archiver.domain import gotime
from archiver.domain.plan import Surroundings
from archiver.domain.policy import SECOND
from archiver.errors import Configuration, Unavailable
from archiver.kube.answer import UNDECODABLE
from archiver.kube.client import JSON, Client
from archiver.kube.discovery import resource_of_kind
from archiver.kube.list_body import ListBody, identity
from archiver.kube.pagination import PageSize, Pagination
from archiver.ports import Page

_log = structlog.get_logger()

_METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Kinds come from the objects, which anybody who may create one fills in.
_MOST_KINDS = 16
# Each API that is away costs a minute of waiting, before anything is stored.
_MOST_AWAY = 2
# The Date header has whole seconds.
_MARGIN = SECOND

_Kind = tuple[str, str]


class _NamespaceMetadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    deletion_timestamp: str | None = None


class _Namespace(msgspec.Struct, frozen=True):
    metadata: _NamespaceMetadata


class _OwnerMetadata(msgspec.Struct, frozen=True, rename="camel"):
    uid: str
    deletion_timestamp: str | None = None


class _OwnerStatus(msgspec.Struct, frozen=True, rename="camel"):
    retention_expiry_time: str | None = None


class _Owner(msgspec.Struct, frozen=True):
    metadata: _OwnerMetadata
    status: _OwnerStatus | None = None


_NAMESPACE = msgspec.json.Decoder(_Namespace)
_OWNER = msgspec.json.Decoder(_Owner)


class Neighbourhood:
    """What is known of the surroundings, growing from page to page. For one thread.

    Each kind of owner is listed whole the first time that it is met: one request for each owner
    would cost more, and only a whole list can say that an owner is gone. Of each owner the uid and
    the retention expiry are kept, nothing else. One that is being deleted is as good as gone: its
    children go before it (foreground) or right after (background).
    """

    def __init__(self, client: Client, namespace: str | None) -> None:
        """`namespace`: the only one that is looked at; None for all."""
        self._client = client
        self._namespace = namespace
        self._owners: dict[str, int | None] = {}
        self._kinds: dict[_Kind, int] = {}
        self._terminating: frozenset[str] | None = None
        # What could not be found out → why.
        self.unknown: dict[str, str] = {}
        self._asked: set[_Kind] = set()
        # Group versions that did not answer: they are not waited for twice in a run.
        self._away: set[str] = set()

    def of(self, page: Page) -> Surroundings:
        """What is known once this page's owners have been looked at. Never raises for a right."""
        if self._terminating is None:
            self._terminating = self._terminating_namespaces()
        for kind in _owner_kinds(page):
            if kind not in self._asked:
                self._asked.add(kind)
                self._look_at(kind)
        return Surroundings(self._owners, self._kinds, self._terminating)

    def _look_at(self, kind: _Kind) -> None:
        name = "/".join(kind)
        if len(self._asked) > _MOST_KINDS:
            self._is_unknown(name, f"over {_MOST_KINDS} kinds of owners")
        elif kind[0] in self._away or len(self._away) >= _MOST_AWAY:
            self._is_unknown(name, f"not asked: {', '.join(sorted(self._away))} did not answer")
        else:
            self._ask_for(kind, name)

    def _ask_for(self, kind: _Kind, name: str) -> None:
        try:
            self._list_owners(kind)
        except (Configuration, Unavailable) as error:
            if isinstance(error, Unavailable):
                self._away.add(kind[0])
            self._is_unknown(name, str(error))

    def _list_owners(self, kind: _Kind) -> None:
        resource = resource_of_kind(self._client, *kind)
        if resource is None:
            raise Configuration("not served")
        listing = Pagination(self._client, resource.path(self._namespace), (), size=_size())
        owners = {uid: expiry for page in listing.pages(_expiries) for uid, expiry in page}
        if listing.began_at is None:
            raise Configuration("its list has no Date header")
        # Only now: half a list would turn owners that were not listed into ones that are gone.
        self._owners |= owners
        self._kinds[kind] = listing.began_at - _MARGIN

    def _terminating_namespaces(self) -> frozenset[str]:
        only = [("fieldSelector", f"metadata.name={self._namespace}")] if self._namespace else ()
        listing = Pagination(
            self._client, "/api/v1/namespaces", only, size=_size(), accept=_METADATA_ONLY
        )
        try:
            return frozenset().union(*listing.pages(_terminating))
        except (Configuration, Unavailable) as error:
            self._is_unknown("namespaces", str(error))
            return frozenset()

    def _is_unknown(self, what: str, why: str) -> None:
        _log.warning("surroundings.unknown", what=what, reason=why)
        self.unknown[what] = why


def _size() -> PageSize:
    return PageSize(most=500, most_bytes=16 << 20)


def _owner_kinds(page: Page) -> Iterator[_Kind]:
    for resource in page.resources:
        for owner in resource.metadata.owner_references or ():
            yield owner.api_version, owner.kind


def _expiries(listed: ListBody, _nbytes: int) -> list[tuple[str, int | None]]:
    return [staying for item in listed.items or () if (staying := _expiry(item))]


def _expiry(item: msgspec.Raw) -> tuple[str, int | None] | None:
    """An owner's uid, and its expiry where there is a readable one; None while it is deleted."""
    try:
        owner = _OWNER.decode(item)
        if owner.metadata.deletion_timestamp:
            return None
        text = owner.status.retention_expiry_time if owner.status else None
        expiry = gotime.parse_time(text) if text else gotime.ZERO
    except gotime.NotATime:
        return owner.metadata.uid, None
    except UNDECODABLE:
        if uid := identity(item).uid:
            return uid, None
        # It may be anybody's owner: then none of that kind can be said to be gone.
        raise Configuration("the uid of one of its objects cannot be read") from None
    # Go's zero time stands for one that was not set.
    return owner.metadata.uid, None if expiry == gotime.ZERO else expiry


def _terminating(listed: ListBody, _nbytes: int) -> list[str]:
    try:
        namespaces = [_NAMESPACE.decode(item).metadata for item in listed.items or ()]
    except UNDECODABLE as error:
        raise Unavailable(f"list of namespaces: an item that is none: {error}") from None
    return [metadata.name for metadata in namespaces if metadata.deletion_timestamp]
