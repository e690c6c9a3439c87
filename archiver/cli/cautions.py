"""What a run warns of: no error, and perhaps a mistake. In the log and in the report alike."""

from collections.abc import Iterator
from typing import Final

import structlog

from archiver.domain.record import ORDER_BY_RESOURCE_VERSION
from archiver.domain.report import Caution, Effect, RunReport
from archiver.ports import UNKNOWN_CLUSTER

_log = structlog.get_logger()

_LOOK_AGAIN: Final = (
    "If not all of them have been removed, see the namespace (-n), the selector (-l), the group "
    "and version of --resource, and whether this account is shown but a part of the cluster"
)
_NAME_IT: Final = (
    "name the cluster with --cluster-id: the uid that `kubectl get namespace kube-system "
    "-o jsonpath={.metadata.uid}` prints"
)


def cautions(
    result: RunReport, namespace: str | None, *, files: bool = False, emptied: str | None = None
) -> tuple[Caution, ...]:
    """Log the warnings of a run that was to read `namespace` (None: all), and give them.

    `files`: it read dumps and no cluster. `emptied`: where nothing was found in a cluster of which
    there are resources in the archive.
    """
    return (
        *_of_statuses(result),
        *_of_nothing_found(result, namespace, emptied),
        *(_of_files(result) if files else ()),
    )


def _of_statuses(result: RunReport) -> Iterator[Caution]:
    for phase, objects in result.unknown_phases.items():
        _log.warning("phase.unknown", phase=phase, objects=objects, taken_for="not terminal")
        said = f"{objects} objects in the phase {phase!r}, which nobody knows: not terminal"
        yield Caution("phase.unknown", said)
    if objects := result.unreadable_status:
        _log.warning("status.unreadable", objects=objects, taken_for="not terminal")
        said = f"status that is no object, or a phase that is no text: {objects}"
        yield Caution("status.unreadable", said)


def _of_nothing_found(
    result: RunReport, namespace: str | None, emptied: str | None
) -> Iterator[Caution]:
    if namespace is not None and not result.found and result.error is None:
        # A list of a namespace that does not exist is as empty as that of one that does.
        remedy = f"kubectl get namespace {namespace}"
        _log.warning("namespace.empty", namespace=namespace, remedy=remedy)
        said = f"nothing was found in the namespace {namespace}, which may not exist: {remedy}"
        yield Caution("namespace.empty", said)
    if emptied is not None:
        _log.warning("list.empty", looked=emptied, archived_before=True, remedy=_LOOK_AGAIN)
        said = f"nothing was found: no {emptied}; but earlier runs have archived resources of this"
        yield Caution("list.empty", f"{said} cluster. {_LOOK_AGAIN}")


def _of_files(result: RunReport) -> Iterator[Caution]:
    if result.found and result.cluster_id == UNKNOWN_CLUSTER:
        _log.warning("cluster.unknown", cluster_id=UNKNOWN_CLUSTER, remedy=_NAME_IT)
        said = (
            f"stored under the cluster {UNKNOWN_CLUSTER}, as objects of their own beside those "
            f"that were archived from a cluster: {_NAME_IT}"
        )
        yield Caution("cluster.unknown", said)
    if states := result.effects[Effect.REVISED]:
        flag = ORDER_BY_RESOURCE_VERSION
        _log.warning("order.unproven", states=states, flag=flag)
        said = (
            f"{states} states from files follow states that were archived before, by their "
            "resourceVersion; whether the cluster said the earlier one again, no file can tell: "
            f"their rows have the flag {flag}"
        )
        yield Caution("order.unproven", said)
