"""Whether a run that found nothing was perhaps looking at the wrong place."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from archiver.domain.report import RunReport
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    from sqlalchemy import Engine


def is_emptied(result: RunReport, open_engine: Callable[[], "Engine"]) -> bool:
    """Whether a cluster of which earlier runs have archived resources has none any more.

    The archive is asked only where nothing was found, by this shard or left to another. Where it
    does not answer, nothing is said: a run that is done stays done.
    """
    if result.found or result.other_shards or result.error is not None:
        return False
    from archiver.db.earlier import has_archived

    with suppress(ArchiverError):
        engine = open_engine()
        try:
            return has_archived(engine, result.cluster_id)
        finally:
            engine.dispose()
    return False


def place(resource: str, namespace: str | None, selector: str | None) -> str:
    """Where a run has looked, for people."""
    within = f"in the namespace {namespace}" if namespace else "in all namespaces"
    return f"{resource} {within}" + (f" with the labels {selector}" if selector else "")
