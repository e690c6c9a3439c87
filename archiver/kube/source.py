"""The port Source: custom resources of one API server."""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import msgspec

from archiver.domain.custom_resource import CustomResource
from archiver.domain.metadata import PartialObject
from archiver.domain.plan import Surroundings
from archiver.errors import Configuration, Forbidden
from archiver.kube.client import Client
from archiver.kube.custom_resources import CustomResourcePages, read
from archiver.kube.discovery import Resource, discover
from archiver.kube.failures import failure, require_success
from archiver.kube.list_body import ListBody, identity
from archiver.kube.pagination import PageSize, Pagination
from archiver.kube.request import Query
from archiver.kube.surroundings import Neighbourhood
from archiver.ports import Page, Unparsed

MEBIBYTE = 1 << 20


class _Namespace(msgspec.Struct, frozen=True):
    class Metadata(msgspec.Struct, frozen=True):
        uid: str

    metadata: Metadata


@dataclass(frozen=True)
class KubeSource:
    """One resource of one cluster. Nothing is asked before it is needed.

    `version`: None for the one that the API server prefers. `namespace`: None for all of them.
    `page_size`: the most objects per request; `page_bytes`: the most bytes of a page that are kept,
    unless one object alone has more. `given_cluster_id` counts where kube-system may not be read.

    `pages`, `surroundings` and `read` may be called from one thread each.
    """

    client: Client
    _: KW_ONLY
    group: str
    plural: str
    version: str | None = None
    namespace: str | None = None
    label_selector: str | None = None
    page_size: int = 500
    page_bytes: int = 4 * MEBIBYTE
    given_cluster_id: str | None = None

    @cached_property
    def resource(self) -> Resource:
        """The resource as it is served. Raises Configuration, Forbidden and Unavailable.

        A namespace for one that has none is refused: kubectl passes over it, but here somebody
        would have every object archived, and believe in a part of them.
        """
        found = discover(self.client, group=self.group, plural=self.plural, version=self.version)
        if self.namespace and not found.namespaced:
            raise Configuration(
                f"{found} is cluster-scoped: none of its objects is in the namespace "
                f"{self.namespace}; leave out --namespace (-n), or choose by labels (-l)"
            )
        return found

    @cached_property
    def cluster_id(self) -> str:
        """The uid of the namespace kube-system. Raises Forbidden, Configuration, Unavailable.

        A given one that the cluster contradicts is a setting of another cluster: every record
        would be stored a second time, as that cluster's.
        """
        given = self.given_cluster_id
        answer = self.client.get("/api/v1/namespaces/kube-system")
        doing = "the cluster's identity, which is the uid of the namespace kube-system"
        if answer.status == 403:
            if given:
                return given
            raise Forbidden(
                f"{failure(answer, doing)}, or name the cluster by cluster_id (ARCHIVER_CLUSTER_ID)"
            )
        found = require_success(answer, doing).read(_Namespace, doing).metadata.uid
        if given and given != found:
            raise Configuration(
                f"the cluster id that is given is {given}, and that of {self.client.server} is "
                f"{found}: this is the wrong cluster, or the setting is that of another one"
            )
        return found

    @cached_property
    def now(self) -> int:
        """The API server's clock (whole seconds, in ns since the epoch) at its first answer."""
        if self.client.clock is None:
            # Whatever is asked first tells the time. This is needed in any case.
            discover(self.client, group=self.group, plural=self.plural, version=self.version)
        if self.client.clock is None:
            raise Configuration(
                f"answers of {self.client.server} have no Date header; something on the way takes "
                "it out, and without it nobody knows what is due"
            )
        return self.client.clock.server

    @property
    def live(self) -> bool:
        """`read` asks the API server."""
        return True

    @property
    def unknown(self) -> Mapping[str, str]:
        """What could not be found out about the surroundings, and why."""
        return self._neighbourhood.unknown

    def pages(self) -> Iterator[Page]:
        """Every object once, in the order of namespace/name, in pages of varying size.

        Raises Configuration, also if the resource has gone away when the list is through: deleting
        a CustomResourceDefinition empties the list without an error. Raises Unavailable.
        """
        selectors = [("labelSelector", self.label_selector)] if self.label_selector else []
        size = PageSize(self.page_size, self.page_bytes)
        yield from CustomResourcePages(self._list(self.namespace, selectors, size))
        discover(self.client, group=self.group, plural=self.plural, version=self.resource.version)

    def surroundings(self, page: Page) -> Surroundings:
        """What is known of this page's owners and namespaces; what may not be read is unknown."""
        return self._neighbourhood.of(page)

    def read(self, resource: PartialObject) -> CustomResource | Unparsed | None:
        """The object as it is now; None if it is gone, or another one has its name.

        A list of one, because the right `get` is not needed otherwise. Raises Configuration
        and Unavailable.
        """
        metadata = resource.metadata
        by_name = [("fieldSelector", f"metadata.name={metadata.name}")]
        listing = self._list(metadata.namespace, by_name, PageSize(1, self.page_bytes))

        def the_same(listed: ListBody, _nbytes: int) -> CustomResource | Unparsed | None:
            items = (item for item in listed.items or () if identity(item).uid == metadata.uid)
            return next((read(bytes(item), listed, str(resource)) for item in items), None)

        return next((found for found in listing.pages(the_same) if found is not None), None)

    def _list(self, namespace: str | None, query: Query, size: PageSize) -> Pagination:
        return Pagination(
            self.client,
            self.resource.path(namespace),
            query,
            size=size,
            unconverted=f"{self.plural}.VERSION.{self.group}",
        )

    @cached_property
    def _neighbourhood(self) -> Neighbourhood:
        return Neighbourhood(self.client, self.namespace)
