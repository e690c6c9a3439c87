"""The port Marker: one merge patch per object."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import msgspec

from archiver.domain.mark import Mark, merge_patch
from archiver.domain.metadata import Metadata, PartialObject
from archiver.errors import ArchiverError, Interrupted, MarkRefused, Unwritable
from archiver.kube.answer import UNDECODABLE, Answer
from archiver.kube.client import JSON, Client
from archiver.kube.discovery import Resource
from archiver.kube.failures import fault_of_an_object, outcome_of_mark
from archiver.kube.lane import Lane, Pace
from archiver.kube.request import target_of
from archiver.kube.window import Window
from archiver.ports import MarkOutcome

FIELD_MANAGER = "kubernaut-archiver"

_HEADERS: Final = (
    # A fifth cheaper for the API server than sending the whole object back.
    f"Accept: {JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "Content-Type: application/merge-patch+json",
)
_encode = msgspec.json.Encoder().encode


class _Marked(msgspec.Struct, frozen=True):
    """metav1.PartialObjectMetadata, as far as a mark shows in it."""

    metadata: Metadata


_marked: Final = msgspec.json.Decoder(_Marked).decode


class KubeMarker:
    """Marks objects of one resource. Safe to use from many threads at once.

    Server-side apply would create an object that is gone; strategic merge is refused for custom
    resources.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        dry_run: bool = False,
        most_per_second: float | None = None,
        most_at_once: int = 16,
    ) -> None:
        """With `dry_run` the API server does everything but write (dryRun=All)."""
        self._client = client
        self._resource = resource
        pace = Pace(most_per_second) if most_per_second else None
        self._lane = Lane(
            Window(most_at_once),
            pace,
            ends_it=_ends_all,
            fault_of=fault_of_an_object,
        )
        query = [("fieldManager", FIELD_MANAGER)]
        self._kept = not dry_run
        if dry_run:
            query.append(("dryRun", "All"))
        self._query = target_of("", query)

    def mark(self, resource: PartialObject, mark: Mark) -> "Future[MarkOutcome]":
        """Begin to mark the very object that was read.

        The future ends with MarkRefused, Forbidden, Configuration (the resource is no longer
        served) or Unavailable where there is no outcome.
        """
        metadata = resource.metadata
        return self._client.patch(
            self._resource.path(metadata.namespace, metadata.name) + self._query,
            _encode(merge_patch(metadata, mark)),
            headers=_HEADERS,
            lane=self._lane,
            interpret=_outcome(resource, mark, kept=self._kept),
        )


def _outcome(resource: PartialObject, mark: Mark, *, kept: bool) -> Callable[[Answer], MarkOutcome]:
    def outcome(answer: Answer) -> MarkOutcome:
        if not answer.ok:
            return outcome_of_mark(answer, f"mark of {resource}")
        try:
            metadata = _marked(answer.body).metadata
        except UNDECODABLE:
            return MarkOutcome.CONFLICT  # whether it was applied shows when it is read again
        if not mark.says_the_same_as(metadata):
            raise MarkRefused(
                f"mark of {resource}: the API server accepted it, and the object is without it: "
                "an admission webhook or policy takes labels or annotations away"
            )
        # Whatever changes but metadata raises it: admission has changed the evidence within our own
        # patch. What a dry run does not keep cannot be read again.
        if kept and metadata.generation != resource.metadata.generation:
            return MarkOutcome.CONFLICT
        return MarkOutcome.MARKED

    return outcome


def _ends_all(error: ArchiverError) -> bool:
    """Once a mark has failed for good or for now, the others would only fail more slowly."""
    return not isinstance(error, (MarkRefused, Unwritable, Interrupted))
