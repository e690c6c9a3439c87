"""The resources of a benchmark: of several phases and sizes, each with an owner."""

from datetime import timedelta
from typing import Any, Final

from tests.e2e.run.objects import now
from tests.resources import remediation_processing

# Of each ten one failed, and one has not ended: the rest are completed.
_FAILED, _UNFINISHED = 0, 5
_PHASES_BEFORE_THE_END: Final = ("pending", "enriching", "classifying", "routing")
# Eleven sizes from half to one and a half of the mean.
_SIZES: Final = tuple(0.5 + step / 10 for step in range(11))


def terminal(count: int) -> int:
    """How many of the first `count` have ended, and so are archived by a backfill."""
    return sum(number % 10 != _UNFINISHED for number in range(count))


def processing(
    number: int, parent: dict[str, Any], *, context_bytes: int, even: bool
) -> dict[str, Any]:
    """A RemediationProcessing to be created; it ended 20 hours ago, where it did.

    `parent` is its RemediationRequest as the server has it. The enrichment context has
    `context_bytes` in the mean, or always, if `even`.
    """
    body: dict[str, Any] = remediation_processing(
        "A",
        now=now(),
        seed=number,
        completed_ago=timedelta(hours=20),
        namespace=parent["metadata"]["namespace"],
        name=f"rp-{number}",
        parent=parent,
        context_bytes=round(context_bytes * (1 if even else _SIZES[number * 7 % len(_SIZES)])),
        phase=_phase(number),
    )
    body["metadata"].pop("finalizers", None)
    return body


def _phase(number: int) -> str:
    if number % 10 == _UNFINISHED:
        return _PHASES_BEFORE_THE_END[number // 10 % len(_PHASES_BEFORE_THE_END)]
    return "failed" if number % 10 == _FAILED else "completed"
