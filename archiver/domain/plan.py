"""What is to be done with one object: a pure function of the object, the policy and the time."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from archiver.domain import shapes
from archiver.domain.completion import Completion, completion_of, has_unreadable_status, phase_of
from archiver.domain.conversion import convert
from archiver.domain.custom_resource import CustomResource
from archiver.domain.evidence import evidence, has_digest
from archiver.domain.mark import DIGEST, Mark, carries_mark_of
from archiver.domain.policy import HOUR, SKEW_TOLERANCE
from archiver.domain.record import AuditRecord
from archiver.domain.terms import NOTHING_KNOWN, Surroundings, Terms
from archiver.errors import Unreadable

__all__ = [
    "NOTHING_KNOWN",
    "Archive",
    "Cause",
    "Decision",
    "Marked",
    "Quarantine",
    "Reason",
    "Skip",
    "Surroundings",
    "Terms",
    "plan",
]

# The store makes months this far ahead and refuses what is beyond: such a birth is a broken value.
_BIRTH_AHEAD = 24 * HOUR
# No terminal phase is longer. What is deleted in another phase may say anything, at any length,
# and an annotation may not.
_LONGEST_PHASE = 64


class Cause(StrEnum):
    """Why an object is archived now; the most urgent one that holds."""

    DELETING = "being deleted"
    OWNER_GONE = "its owner is gone or being deleted"
    NAMESPACE_TERMINATING = "its namespace is terminating"
    CHANGED = "changed after it was marked"
    IN_THE_FUTURE = "its completion time lies in the future"
    OVERDUE = "past its cleanup deadline"
    DUE = "within the lead of its cleanup deadline"
    BACKFILL = "terminal (backfill)"
    MARKED = "marked already"


class Reason(StrEnum):
    """Why an object is left alone in this run."""

    NOT_TERMINAL = "not in a terminal phase"
    UNREADABLE_STATUS = "its status is no object, or its phase no text"
    NOT_YET_DUE = "not yet due"
    FILTERED = "outside --since and --until"


class Archive(msgspec.Struct, frozen=True):
    """Store this, then mark it. `deadline` (ns) is when cleanup may delete it.

    With `marked`, the object already carries this very mark: it only has to be in the store.
    """

    resource: CustomResource
    record: AuditRecord
    mark: Mark
    cause: Cause
    deadline: int

    @property
    def marked(self) -> bool:
        """Whether the object already carries this mark."""
        return self.cause is Cause.MARKED

    @property
    def digest(self) -> str:
        """The SHA-256 of its evidence in hex digits."""
        return self.mark.digest


class Marked(msgspec.Struct, frozen=True):
    """It carries a mark whose digest its bytes have: no more is to be done if the store has it too.

    Only then is that digest proved to be one of evidence; otherwise `decide` anew.
    """

    resource: CustomResource
    digest: str
    due: "_Due"

    @property
    def marked(self) -> bool:
        """Always."""
        return True

    def decide(self) -> "Archive | Quarantine":
        """By its evidence instead of by its mark. Never raises."""
        return _archive(self.due)


class Skip(msgspec.Struct, frozen=True):
    """Leave it alone. `due_at` (ns) says when that changes by time alone, where it does."""

    resource: CustomResource
    reason: Reason
    phase: str
    due_at: int | None = None

    @property
    def why(self) -> str:
        """For people; with the phase where that is the reason."""
        named = f" (phase {self.phase!r})" if self.reason is Reason.NOT_TERMINAL else ""
        return f"{self.reason}{named}"


class Quarantine(msgspec.Struct, frozen=True):
    """Its bytes cannot become a record: keep them as they are, and name it."""

    resource: CustomResource
    reason: str
    message: str


Decision: TypeAlias = Archive | Marked | Skip | Quarantine


class _Due(msgspec.Struct, frozen=True):
    """What is known of a due object before its evidence is made."""

    resource: CustomResource
    terms: Terms
    completion: Completion
    cause: Cause
    deadline: int
    phase: str
    notes: tuple[str, ...]

    def mark(self, digest: str) -> Mark:
        """The mark it gets, or has."""
        terms, shown = self.terms, self.phase[:_LONGEST_PHASE]
        return Mark(digest, self.resource.key.uid, shown, terms.store_id, terms.run_id, terms.at)


def plan(
    resource: CustomResource, terms: Terms, surroundings: Surroundings = NOTHING_KNOWN
) -> Decision:
    """Decide. Never raises: an object that cannot be read is a decision too."""
    try:
        due = _due(resource, terms, surroundings)
    except Unreadable as error:
        return Quarantine(resource, error.reason, str(error))
    if isinstance(due, Skip):
        return due
    # Whatever a mark says of digest, phase and uid, hashing tells whether it is of these bytes.
    said = (resource.metadata.annotations or {}).get(DIGEST, "")
    if said and due.mark(said).says_the_same_as(resource.metadata) and has_digest(resource, said):
        return Marked(resource, said, due)
    return _archive(due)


def _archive(due: _Due) -> Archive | Quarantine:
    resource = due.resource
    try:
        proof = evidence(resource)
    except Unreadable as error:
        return Quarantine(resource, error.reason, str(error))
    mark = due.mark(proof.digest)
    cause = Cause.MARKED if mark.says_the_same_as(resource.metadata) else due.cause
    record = convert(resource, proof, due.completion, due.notes)
    return Archive(resource, record, mark, cause, due.deadline)


def _due(resource: CustomResource, terms: Terms, surroundings: Surroundings) -> _Due | Skip:
    phase = phase_of(resource)
    terminal = phase in shapes.TERMINAL
    if not terminal and not resource.metadata.deletion_timestamp:
        unreadable = has_unreadable_status(resource)
        reason = Reason.UNREADABLE_STATUS if unreadable else Reason.NOT_TERMINAL
        return Skip(resource, reason, phase)
    completion = completion_of(resource)
    if not terms.policy.wants(completion.at):
        return Skip(resource, Reason.FILTERED, phase)
    deadline = terms.policy.cleanup_deadline(completion.at, _expiry(resource, surroundings))
    cause = _urgency(resource, surroundings) or _by_time(completion.at, deadline, terms)
    if cause is None and not carries_mark_of(resource.metadata, terms.store_id):
        return Skip(resource, Reason.NOT_YET_DUE, phase, deadline - terms.policy.lead)
    _refuse_birth_in_the_future(resource, terms.now)
    notes = _notes(completion, terminal=terminal, now=terms.now)
    return _Due(resource, terms, completion, cause or Cause.CHANGED, deadline, phase, notes)


def _refuse_birth_in_the_future(resource: CustomResource, now: int) -> None:
    if resource.key.created_at > now + _BIRTH_AHEAD:
        raise Unreadable(
            "creation-time-out-of-range",
            f"{resource}: creationTimestamp {resource.metadata.creation_timestamp} is over a day "
            "ahead of the clock; no month of the archive can hold it",
        )


def _notes(completion: Completion, *, terminal: bool, now: int) -> tuple[str, ...]:
    notes = () if terminal else ("incomplete",)
    return (*notes, "completed-in-future") if completion.at > now + SKEW_TOLERANCE else notes


def _expiry(resource: CustomResource, surroundings: Surroundings) -> int | None:
    """The retention expiry of the controlling owner, where it is known and has one."""
    owners = resource.metadata.owner_references or ()
    return next((surroundings.owners.get(owner.uid) for owner in owners if owner.controller), None)


def _owner_is_gone(resource: CustomResource, surroundings: Surroundings) -> bool:
    """Whether every owner was deleted, which is when the garbage collector deletes the object.

    Said only of an object older than the list of owners: an owner is created before its child, so
    one that was there has been seen.
    """
    owners = resource.metadata.owner_references or ()
    return bool(owners) and all(
        resource.key.created_at < surroundings.owner_kinds.get((owner.api_version, owner.kind), 0)
        and owner.uid not in surroundings.owners
        for owner in owners
    )


def _urgency(resource: CustomResource, surroundings: Surroundings) -> Cause | None:
    """Behind the guard a refused child shows no deletionTimestamp; its surroundings tell."""
    if resource.metadata.deletion_timestamp:
        return Cause.DELETING
    if _owner_is_gone(resource, surroundings):
        return Cause.OWNER_GONE
    if resource.metadata.namespace in surroundings.terminating_namespaces:
        return Cause.NAMESPACE_TERMINATING
    return None


def _by_time(completed_at: int, deadline: int, terms: Terms) -> Cause | None:
    if terms.policy.everything:
        return Cause.BACKFILL
    if completed_at > terms.now + SKEW_TOLERANCE:
        return Cause.IN_THE_FUTURE
    if deadline <= terms.now:
        return Cause.OVERDUE
    return Cause.DUE if terms.policy.is_due(deadline, terms.now) else None
