"""One shard's view of a source: its own objects, and how many it has left to the others."""

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.domain.custom_resource import CustomResource
from archiver.domain.metadata import PartialObject
from archiver.domain.plan import Surroundings
from archiver.domain.shard import Shard
from archiver.ports import Page, Source, Unparsed


@dataclass(slots=True)
class ShardSource:
    """The port Source, narrowed to one shard.

    `others` counts what was listed and belongs to other shards. Such objects are not found by this
    run: they have no outcome in it, so that the reports of all shards add up to that of one run
    without shards.
    """

    source: Source
    shard: Shard
    others: int = 0

    @property
    def cluster_id(self) -> str:
        """Of the whole source."""
        return self.source.cluster_id

    @property
    def now(self) -> int:
        """Of the whole source."""
        return self.source.now

    @property
    def live(self) -> bool:
        """Of the whole source."""
        return self.source.live

    def pages(self) -> Iterator[Page]:
        """The source's pages, with this shard's objects alone; a page may be left empty.

        Raises what the source raises.
        """
        for page in self.source.pages():
            yield self._own(page)

    def surroundings(self, page: Page) -> Surroundings:
        """Of the whole source."""
        return self.source.surroundings(page)

    def read(self, resource: PartialObject) -> CustomResource | Unparsed | None:
        """Of the whole source: a uid never changes its shard."""
        return self.source.read(resource)

    def _own(self, page: Page) -> Page:
        resources = [one for one in page.resources if self.shard.holds(one.key.uid)]
        unparsed = [one for one in page.unparsed if self.shard.holds(one.uid)]
        listed = len(page.resources) + len(page.unparsed)
        self.others += listed - len(resources) - len(unparsed)
        nbytes = sum(len(one.raw) for one in resources) + sum(len(one.raw) for one in unparsed)
        return Page(resources, unparsed, nbytes)
