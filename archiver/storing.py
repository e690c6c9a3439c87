"""The middle of a run: decisions go in, and what is durably stored and read back comes out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from archiver.domain.mark import RUN
from archiver.domain.metadata import Key
from archiver.domain.plan import Archive, Decision, Marked, Quarantine, Reason, Skip, Terms
from archiver.domain.report import Effect, Outcome
from archiver.domain.tally import Tally
from archiver.errors import ArchiverError, Integrity, Unavailable
from archiver.kept import kept_of, problem_of, unconverted_kept, unparsed_kept
from archiver.pending import Stored
from archiver.ports import (
    UNKNOWN_CLUSTER,
    Batch,
    Page,
    Quarantined,
    Source,
    Store,
    Unparsed,
    Written,
)
from archiver.read_back import ReadBack

_NO_ORDER: Final = (
    "the archive holds another state of it, and nothing says which of them is the later one: "
    "metadata.resourceVersion is missing, no number, or the same; with the one it had in its "
    "cluster the dump can be read again"
)


class Storing:
    """Stores decisions and confirms them. Never raises an ArchiverError: it counts the objects as
    deferred and leaves the error in the tally.
    """

    def __init__(self, source: Source, store: Store, terms: Terms, tally: Tally) -> None:
        self._source, self._store, self._tally = source, store, tally
        self.terms = terms
        self.read_back = ReadBack(source, store, tally)

    def store(
        self,
        decisions: Sequence[Decision],
        unparsed: Iterable[Unparsed] = (),
        stale: Mapping[str, str] | None = None,
    ) -> Stored:
        """Settle what is left alone, store the rest, and read it back.

        `stale` is what an earlier call said of the same objects.
        """
        for skip in (d for d in decisions if isinstance(d, Skip)):
            self._tally.settle(skip.resource, Outcome.NOT_DUE, skip.why, skip.due_at)
            if skip.reason is Reason.NOT_TERMINAL:
                self._tally.meet_phase(skip.phase)
            self._tally.unreadable_status += skip.reason is Reason.UNREADABLE_STATUS
        kept = [unparsed_kept(item) for item in unparsed]
        kept += [unconverted_kept(d) for d in decisions if isinstance(d, Quarantine)]
        stored = Stored()
        rounds = _rounds(d for d in decisions if isinstance(d, Archive | Marked))
        for waiting in rounds:
            self._round(waiting, kept, stored, stale or {})
            kept = []
        if kept:
            self._round({}, kept, stored, {})
        stored.confirmed.sort(key=lambda archive: archive.deadline)
        return stored

    def defer(self, page: Page, error: ArchiverError) -> None:
        """Leave a whole page for the next run: every object on it has been found, and counts."""
        self._tally.fail(error)
        for resource in page.resources:
            self._tally.settle(resource, Outcome.DEFERRED, str(error))
        for item in page.unparsed:
            self._tally.defer_bytes(problem_of(unparsed_kept(item)))

    def _round(
        self,
        found: dict[str, Archive | Marked],
        kept: list[Quarantined],
        stored: Stored,
        stale: Mapping[str, str],
    ) -> None:
        """One transaction. What is settled or handed on is taken out of `found` or `kept`."""
        waiting: Mapping[str, Archive | Marked] = found
        try:
            self._settle_stored(found)
            waiting = archives = _decided(found, kept)
            if archives or kept:
                written = self._store.write(self._batch(archives, kept, stale))
                self._quarantined(kept)
                kept += self._count(written, archives)
                self._confirm(archives, written, stored)
            if kept:
                self._store.write(self._batch({}, kept, {}))
                self._quarantined(kept)
        except ArchiverError as error:
            if isinstance(error, Unavailable):
                self.read_back.doubt(error)
            self._tally.fail(error)
            for one in waiting.values():
                self._tally.settle(one.resource, Outcome.DEFERRED, str(error))
            for item in kept:
                self._tally.defer_bytes(problem_of(item))

    def _settle_stored(self, waiting: dict[str, Archive | Marked]) -> None:
        """Objects that carry their mark and are in the store: a mark alone proves nothing."""
        newest = self._newest([one.resource.key for one in waiting.values() if one.marked])
        for uid, digest in newest.items():
            if digest == waiting[uid].digest:
                resource = waiting.pop(uid).resource
                # A mark of this very run is one whose answer was lost on the way back.
                own = (resource.metadata.annotations or {}).get(RUN) == self.terms.run_id
                outcome = Outcome.ARCHIVED if own else Outcome.ALREADY
                self._tally.settle(resource, outcome, "stored and marked before")

    def _newest(self, keys: Sequence[Key]) -> Mapping[str, str]:
        return self._store.newest(self._source.cluster_id, keys) if keys else {}

    def _batch(
        self,
        waiting: Mapping[str, Archive],
        kept: Sequence[Quarantined],
        stale: Mapping[str, str],
    ) -> Batch:
        return Batch(
            run_id=self.terms.run_id,
            cluster_id=self._source.cluster_id,
            records=[archive.record for archive in waiting.values()],
            quarantined=tuple(kept),
            reread=frozenset(
                uid
                for uid, archive in waiting.items()
                if stale.get(uid) == archive.resource.metadata.resource_version
            ),
            live=self._source.live,
        )

    def _quarantined(self, kept: list[Quarantined]) -> None:
        while kept:
            self._tally.quarantine(problem_of(kept.pop(0)))

    def _count(self, written: Written, waiting: dict[str, Archive]) -> list[Quarantined]:
        """Count the new rows; what became no row, whose bytes are still to be kept.

        A batch cannot keep them itself: only the store knows which of its records it refuses, and
        which it cannot put in order. Of a live object the server is asked for the order.
        """
        first = sum(revision == 0 for revision in written.inserted.values())
        self._tally.effects[Effect.INSERTED] += first
        self._tally.effects[Effect.REVISED] += len(written.inserted) - first
        unordered = frozenset() if self._source.live else written.unordered
        reasons = {uid: ("refused-by-store", why) for uid, why in written.refused.items()}
        reasons |= dict.fromkeys(sorted(unordered), ("order-unknown", _NO_ORDER))
        return [
            kept_of(waiting.pop(uid).resource, reason, why)
            for uid, (reason, why) in reasons.items()
        ]

    def _confirm(self, waiting: dict[str, Archive], written: Written, stored: Stored) -> None:
        """Read back what was written, in a statement of its own.

        Raises Integrity for a row that is not there, or an earlier one in its place: a trigger or
        rule has swallowed it in silence, and nothing of it may be marked.
        """
        newest = self._newest([archive.resource.key for archive in waiting.values()])
        for uid, digest in newest.items():
            if digest == waiting[uid].digest:
                self._hand_on(waiting.pop(uid), written, stored)
            elif uid not in written.swallowed:
                self._superseded(waiting.pop(uid), written, stored)
        if waiting:
            raise Integrity(
                f"of the rows that were written, {len(waiting)} cannot be read back, that of "
                f"{next(iter(waiting.values())).resource} among them: look for triggers and rules "
                "on archive.revision; none of these objects was marked"
            )

    def _hand_on(self, archive: Archive, written: Written, stored: Stored) -> None:
        # Where the cluster is not known, the store may hold it under the one that it is of.
        if archive.marked and self._source.cluster_id != UNKNOWN_CLUSTER:
            self._tally.effects[Effect.HEALED] += 1
            self._tally.settle(archive.resource, Outcome.ARCHIVED, "was missing from the store")
        elif not self._source.live and archive.resource.key.uid not in written.inserted:
            # Nothing of a file is ever marked: what is stored already was archived before.
            self._tally.settle(archive.resource, Outcome.ALREADY, "stored before")
        else:
            if written.inserted.get(archive.resource.key.uid):
                stored.revised.add(archive.digest)
            stored.confirmed.append(archive)

    def _superseded(self, archive: Archive, written: Written, stored: Stored) -> None:
        """The store holds another state: only the server can say which one is true."""
        uid = archive.resource.key.uid
        if not self._source.live:
            self._overtaken(archive, written)
            return
        if uid in written.stale:
            stored.stale[uid] = archive.resource.metadata.resource_version
        stored.again.append(archive)

    def _overtaken(self, archive: Archive, written: Written) -> None:
        """A state of a file that is not the newest."""
        uid = archive.resource.key.uid
        if uid in written.stale or uid in written.inserted:
            self._tally.effects[Effect.SUPERSEDED] += 1
            self._tally.settle(archive.resource, Outcome.ALREADY, "a newer state is archived")
        else:
            # Another run was faster: the next one can tell.
            why = "another state is archived, and whether it is newer is not known yet"
            self._tally.settle(archive.resource, Outcome.DEFERRED, why)


def _decided(found: Mapping[str, Archive | Marked], kept: list[Quarantined]) -> dict[str, Archive]:
    """What is to be stored; a mark that the store knows nothing of is worth nothing."""
    archives: dict[str, Archive] = {}
    for uid, one in found.items():
        decision = one.decide() if isinstance(one, Marked) else one
        if isinstance(decision, Archive):
            archives[uid] = decision
        else:
            kept.append(unconverted_kept(decision))
    return archives


def _rounds(archives: Iterable[Archive | Marked]) -> list[dict[str, Archive | Marked]]:
    """Divide so that no round holds two states of one object: a dump may contain several."""
    rounds: list[dict[str, Archive | Marked]] = []
    for archive in archives:
        uid = archive.resource.key.uid
        room = next((one for one in rounds if uid not in one), None)
        if room is None:
            rounds.append(room := {})
        room[uid] = archive
    return rounds
