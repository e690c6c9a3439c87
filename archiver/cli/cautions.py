"""What a run warns of: no error, and perhaps a mistake. In the log and in the report alike."""

import structlog

from archiver.domain.record import ORDER_BY_RESOURCE_VERSION
from archiver.domain.report import Caution, Effect, RunReport

_log = structlog.get_logger()


def cautions(
    result: RunReport, namespace: str | None, *, files: bool = False
) -> tuple[Caution, ...]:
    """Log the warnings of a run that was to read `namespace` (None: all), and give them.

    `files`: it read dumps and no cluster.
    """
    found = []
    for phase, objects in result.unknown_phases.items():
        _log.warning("phase.unknown", phase=phase, objects=objects, taken_for="not terminal")
        said = f"{objects} objects in the phase {phase!r}, which nobody knows: not terminal"
        found.append(Caution("phase.unknown", said))
    if objects := result.unreadable_status:
        _log.warning("status.unreadable", objects=objects, taken_for="not terminal")
        said = f"status that is no object: {objects}"
        found.append(Caution("status.unreadable", said))
    if namespace is not None and not result.found and result.error is None:
        # A list of a namespace that does not exist is as empty as that of one that does.
        remedy = f"kubectl get namespace {namespace}"
        _log.warning("namespace.empty", namespace=namespace, remedy=remedy)
        said = f"nothing was found in the namespace {namespace}, which may not exist: {remedy}"
        found.append(Caution("namespace.empty", said))
    if files and (states := result.effects[Effect.REVISED]):
        flag = ORDER_BY_RESOURCE_VERSION
        _log.warning("order.unproven", states=states, flag=flag)
        said = (
            f"{states} states from files follow states that were archived before, by their "
            "resourceVersion; whether the cluster said the earlier one again, no file can tell: "
            f"their rows have the flag {flag}"
        )
        found.append(Caution("order.unproven", said))
    return tuple(found)
