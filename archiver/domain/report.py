"""What a run did: counters that add up, problems by name, and the exit code they amount to."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from archiver.domain.shard import Shard
from archiver.errors import ArchiverError

# What the RunReport document begins with, whatever the run did.
HEAD: Final = {"apiVersion": "archiver.kubernaut.io/v1", "kind": "RunReport"}


class Outcome(StrEnum):
    """How one object ended in one run: every object that was found has exactly one of these."""

    ARCHIVED = "archived"
    ALREADY = "already"
    NOT_DUE = "notDue"
    DEFERRED = "deferred"
    QUARANTINED = "quarantined"
    GONE = "gone"


class Effect(StrEnum):
    """What happened on the way; these overlap, and add up to nothing."""

    INSERTED = "inserted"  # rows: first revisions
    REVISED = "revised"  # rows: later revisions
    MARKED = "marked"  # patches that changed an object
    HEALED = "healed"  # marked before, and missing from the store
    RE_ARCHIVED = "reArchived"  # changed after they were marked
    RE_READ = "reRead"  # changed between read and mark
    SUPERSEDED = "superseded"  # an older state than the archive holds, from a file


@dataclass(frozen=True, slots=True)
class Problem:
    """One object that needs a person."""

    object: str
    uid: str
    reason: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {
            "object": self.object,
            "uid": self.uid,
            "reason": self.reason,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Caution:
    """What is no error and may be a mistake all the same: its slug, and a sentence for people."""

    reason: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"reason": self.reason, "message": self.message}


def beside_name(name: str, message: str) -> str:
    """The message of an error without the name of its object, where that stands beside it."""
    return message.partition(f"{name}: ")[2] or message


@dataclass(frozen=True, slots=True)
class RunReport:
    """The final word of a run. Times are aware UTC; `error` is what ended it early, if anything.

    `unmarkable` counts the deferred objects that no repetition helps: the API server refuses
    their mark for good. `gate` is what keeps deletion from overtaking: guard, partial, none or
    unknown; "" where no cluster was read. `unknown_phases` are words that are no phase anybody has
    heard of, with the number of their objects: they count as not terminal. So do the objects of
    `unreadable_status`, whose status is no object or whose phase is no text.
    `cautions` are what the log warns of.
    `ignored` counts objects of a dump that are of other kinds, by "kind.group", and files that are
    no dump by their name, by "file *.suffix"; `other_shards` what was listed and left to other
    shards: neither is among what was found.
    """

    run_id: str
    mode: str
    cluster_id: str
    store_id: str
    started_at: datetime
    seconds: float
    outcomes: Counter[Outcome]
    effects: Counter[Effect]
    problems: tuple[Problem, ...] = ()
    problems_not_shown: int = 0
    cautions: tuple[Caution, ...] = ()
    unmarkable: int = 0
    gate: str = ""
    unknown_phases: Mapping[str, int] = field(default_factory=dict)
    unreadable_status: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    error: ArchiverError | None = None
    shard: Shard | None = None
    other_shards: int = 0

    @property
    def found(self) -> int:
        """Objects found; the sum of all outcomes, which is what makes them add up."""
        return self.outcomes.total()

    @property
    def exit_code(self) -> int:
        """0 done · 65 integrity · 78 configuration · 75 run again · 1 some need a person.

        What ended the run comes first. 75 comes before 1: a run that is not finished is worth
        repeating before somebody is called.
        """
        if self.error is not None:
            return self.error.exit_code
        if self.outcomes[Outcome.DEFERRED] > self.unmarkable:
            return 75
        return 1 if self.problems else 0

    def as_dict(self) -> dict[str, Any]:
        """The RunReport document, JSON-ready."""
        counts = {"found": self.found} | {str(o): self.outcomes[o] for o in Outcome}
        return {
            **HEAD,
            "runId": self.run_id,
            "mode": self.mode,
            "clusterId": self.cluster_id,
            "storeId": self.store_id,
            "gate": self.gate,
            "startedAt": self.started_at.isoformat().replace("+00:00", "Z"),
            "seconds": round(self.seconds, 3),
            "counts": counts,
            "unknownPhases": dict(self.unknown_phases),
            "unreadableStatus": self.unreadable_status,
            "shard": None if self.shard is None else str(self.shard),
            "otherShards": self.other_shards,
            "ignored": self.ignored.total(),
            "ignoredKinds": dict(self.ignored),
            "effects": {str(effect): self.effects[effect] for effect in Effect},
            "problems": [problem.as_dict() for problem in self.problems],
            "problemsNotShown": self.problems_not_shown,
            "warnings": [caution.as_dict() for caution in self.cautions],
            "error": None if self.error is None else str(self.error),
            "exitCode": self.exit_code,
        }
