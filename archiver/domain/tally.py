"""Counts as a run goes on, and writes the report at its end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from archiver.domain import shapes
from archiver.domain.metadata import PartialObject
from archiver.domain.report import Effect, Outcome, Problem, RunReport, beside_name
from archiver.errors import ArchiverError, ObjectError, Temporary

# A cluster in which everything is broken must not fill the memory with its names.
MAX_PROBLEMS: Final = 1_000
MAX_UNKNOWN_PHASES: Final = 100

_IN_DOUBT: Final = (
    "gone before it could be marked, after another state of it was archived: the state stored now "
    "is its newest, unless it said the earlier one again before it was deleted; both are kept"
)


class Settled(msgspec.Struct, frozen=True):
    """One object's end in this run, for logs, progress and the lines of a dry run.

    `reference` is its name as kubectl prints and takes it; "" where the object has none.
    `exit_code` is what a run amounts to in which nothing else happened. `due_at` (ns since the
    epoch) is when it becomes due by time alone; as a number, because a run shows it to nobody.
    """

    object: str
    uid: str
    outcome: Outcome
    why: str
    reference: str = ""
    exit_code: int = 0
    due_at: int | None = None


@dataclass(slots=True)
class Tally:
    """Where every object is settled exactly once. Not thread-safe: one thread counts."""

    observe: Callable[[Settled], None] = lambda _settled: None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    effects: Counter[Effect] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    problems_not_shown: int = 0
    unmarkable: int = 0
    gate: str = ""
    unknown_phases: Counter[str] = field(default_factory=Counter)
    unreadable_status: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    error: ArchiverError | None = None

    def settle(
        self, resource: PartialObject, outcome: Outcome, why: str, due_at: int | None = None
    ) -> None:
        """Count an object's outcome."""
        code = self._deferral() if outcome is Outcome.DEFERRED else 0
        named = _reference(resource)
        self._settle(Settled(str(resource), resource.key.uid, outcome, why, named, code, due_at))

    def _deferral(self) -> int:
        return Temporary.exit_code if self.error is None else self.error.exit_code

    def _settle(self, settled: Settled) -> None:
        self.outcomes[settled.outcome] += 1
        self.observe(settled)

    def meet_phase(self, phase: str) -> None:
        """Note a phase of an object that is left alone, if it is a word that nobody knows.

        It may be the terminal phase of a release to come, whose objects would be lost in silence.
        """
        if phase not in shapes.KNOWN and (
            phase in self.unknown_phases or len(self.unknown_phases) < MAX_UNKNOWN_PHASES
        ):
            self.unknown_phases[phase] += 1

    def quarantine(self, problem: Problem) -> None:
        """Count an object whose bytes were kept instead of a record."""
        self._note(problem)
        self._settle_bytes(problem, Outcome.QUARANTINED, ObjectError.exit_code)

    def defer_bytes(self, problem: Problem) -> None:
        """Count an object whose bytes could not be kept this time: the next run tries again."""
        self._settle_bytes(problem, Outcome.DEFERRED, self._deferral())

    def _settle_bytes(self, problem: Problem, outcome: Outcome, code: int) -> None:
        settled = Settled(problem.object, problem.uid, outcome, problem.message, exit_code=code)
        self._settle(settled)

    def refuse(self, resource: PartialObject, error: ArchiverError) -> None:
        """Count an object that is stored and that the API server will not let us mark."""
        self.unmarkable += 1
        said = beside_name(str(resource), str(error))
        self._note(Problem(str(resource), resource.key.uid, "mark-refused", said))
        why, named, code = f"cannot mark: {said}", _reference(resource), ObjectError.exit_code
        uid = resource.key.uid
        self._settle(Settled(str(resource), uid, Outcome.DEFERRED, why, named, code))

    def doubt(self, resource: PartialObject) -> None:
        """Count an object that is gone and of which nobody can tell what it said last."""
        name, uid = str(resource), resource.key.uid
        self._note(Problem(name, uid, "last-state-unknown", _IN_DOUBT))
        named, code = _reference(resource), ObjectError.exit_code
        self._settle(Settled(name, uid, Outcome.GONE, _IN_DOUBT, named, code))

    def _note(self, problem: Problem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.problems_not_shown += 1

    def fail(self, error: ArchiverError) -> None:
        """Remember what ended the run; the first cause counts, unless a later one weighs more.

        Lost integrity outweighs everything: no repetition may hide it.
        """
        graver = error.exit_code == 65 and self.error is not None and self.error.exit_code != 65
        if self.error is None or graver:
            self.error = error

    def report(
        self,
        *,
        run_id: str,
        mode: str,
        cluster_id: str,
        store_id: str,
        started_at: datetime,
        seconds: float,
    ) -> RunReport:
        """The report of what has been counted."""
        return RunReport(
            run_id=run_id,
            mode=mode,
            cluster_id=cluster_id,
            store_id=store_id,
            started_at=started_at,
            seconds=seconds,
            outcomes=self.outcomes,
            effects=self.effects,
            problems=tuple(self.problems),
            problems_not_shown=self.problems_not_shown,
            unmarkable=self.unmarkable,
            gate=self.gate,
            unknown_phases=self.unknown_phases,
            unreadable_status=self.unreadable_status,
            ignored=self.ignored,
            error=self.error,
        )


def _reference(resource: PartialObject) -> str:
    """KIND.GROUP/NAME, as `kubectl get -o name`: the namespace is not in it there either."""
    group = resource.api_version.rpartition("/")[0]
    return f"{resource.kind.lower()}.{group}/{resource.metadata.name}"
