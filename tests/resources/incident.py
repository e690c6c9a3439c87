"""One alert and all that became of it, whatever shape it is then written down in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from tests.resources.alerts import ALERTS, FAILURES, WORKLOADS, Alert, Workload
from tests.resources.gotext import nanoseconds
from tests.resources.parents import Parent
from tests.resources.timeline import Timeline, draw_timeline

# How far each phase has come. A failed object ended in an earlier one: `Incident.failed_in`.
REACHED: Final = {
    "pending": 0,
    "enriching": 1,
    "classifying": 2,
    "categorizing": 3,
    "routing": 3,
    "completed": 4,
}
_TWENTY_HOURS: Final = timedelta(hours=20)
_PRIORITIES: Final = {"critical": ("P0", "P1"), "warning": ("P1", "P2"), "info": ("P2", "P3")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The facts. `dataclasses.replace` any of them.

    `phase` is as it will stand in the status. `older` asks for the older names of fields where a
    shape has two. `recovery_attempt` is 0 for a first processing. `ended` is False for a terminal
    object that bears no completion time. `context_bytes` is the size of the enrichment context.
    """

    seed: str
    name: str
    namespace: str
    alert: Alert
    workload: Workload
    fingerprint: str
    priority: str
    phase: str
    timeline: Timeline
    parent: Parent
    context_bytes: int = 8192
    failed_in: str = "enriching"
    failure: str = ""
    degraded: bool = False
    recovery_attempt: int = 0
    occurrences: int = 1
    older: bool = False
    finalizer: bool = False
    ended: bool = True
    free_fingerprint: str = ""

    @property
    def word(self) -> str:
        """The phase, trimmed and in lower case."""
        return self.phase.strip().lower()

    @property
    def failed(self) -> bool:
        """Whether processing ended in failure."""
        return self.word == "failed"

    @property
    def terminal(self) -> bool:
        """Whether processing has ended."""
        return self.word in {"completed", "failed"}

    @property
    def reached(self) -> int:
        """How many phases lie behind: 2 is enriched, 3 classified, 4 routed. See REACHED."""
        return REACHED.get(self.failed_in if self.failed else self.word, 4)

    def rng(self, purpose: str) -> Random:
        """Chance for one purpose, so that a new draw elsewhere does not change this one."""
        return seeded(self.seed, purpose)


def seeded(*parts: object) -> Random:
    """Chance that depends on nothing but `parts`."""
    return Random("/".join(map(str, parts)))  # noqa: S311 - nothing here is a secret


def fingerprint_of(alert: Alert, workload: Workload) -> str:
    """What the gateway makes of the fields that name an alert: 64 hex digits."""
    key = f"{alert.name}:{workload.namespace}:{workload.kind}:{workload.name}"
    return hashlib.sha256(key.encode()).hexdigest()


def draw(
    seed: object,
    *,
    now: datetime,
    completed_ago: timedelta | None = None,
    phase: str = "completed",
    namespace: str = "kubernaut-system",
    name: str | None = None,
    parent: Parent | None = None,
    context_bytes: int = 8192,
) -> Incident:
    """An incident drawn from `seed`; `now` and `completed_ago` only say when it was.

    One that is still being processed ends a moment from now. With `completed_ago` None the rest
    ended 20 hours ago, but does not say so.
    """
    rng = seeded(seed)
    alert, workload = rng.choice(ALERTS), rng.choice(WORKLOADS)
    digits = rng.getrandbits(40)
    subject = f"{workload.name}-{digits:010x}"
    failed_in = rng.choice(tuple(FAILURES))
    text = f"{workload.name}-{alert.name.lower()}-{digits % 1000}"
    return Incident(
        seed=str(seed),
        name=name or subject,
        namespace=namespace,
        alert=alert,
        workload=workload,
        fingerprint=fingerprint_of(alert, workload),
        free_fingerprint=text if rng.random() < 0.15 else "",
        priority=rng.choice(_PRIORITIES[alert.severity]),
        phase=phase,
        timeline=draw_timeline(rng, _end(now, completed_ago, phase)),
        parent=parent or Parent(f"rr-{subject}"),
        context_bytes=context_bytes,
        failed_in=failed_in,
        ended=completed_ago is not None,
        # Drawn last: each draw keeps its place in the sequence of chance.
        **_circumstances(rng, failed_in),
    )


def _circumstances(rng: Random, failed_in: str) -> dict[str, Any]:
    return {
        "failure": rng.choice(FAILURES[failed_in]),
        "degraded": rng.random() < 0.05,
        "recovery_attempt": rng.randrange(1, 4) if rng.random() < 0.08 else 0,
        "occurrences": int(rng.expovariate(0.3)) + 1,
        "older": rng.random() < 0.12,
        "finalizer": rng.random() < 0.3,
    }


def _end(now: datetime, completed_ago: timedelta | None, phase: str) -> int:
    if REACHED.get(phase.strip().lower(), 4) < 4:
        return nanoseconds(now + timedelta(seconds=1))
    return nanoseconds(now - (_TWENTY_HOURS if completed_ago is None else completed_ago))
