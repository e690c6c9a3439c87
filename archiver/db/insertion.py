"""The revisions of one batch within one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

import psycopg

from archiver.db.copying import copy_rows
from archiver.db.failures import (
    CLIENT_VALUE_ERRORS,
    blames_values,
    fault_of_values,
    is_race,
    lacks_partition,
)
from archiver.db.newest import Newest, find_newest, find_other_births, is_stored
from archiver.db.revisions import Verdict, next_revision
from archiver.db.rows import Envelope, Row, row_of
from archiver.db.transaction import Transaction
from archiver.domain import gotime
from archiver.domain.metadata import Key
from archiver.domain.record import AuditRecord
from archiver.errors import Integrity
from archiver.ports import Batch, Written

_SECOND_BIRTH: Final = (
    "metadata.creationTimestamp is {:%Y-%m-%dT%H:%M:%SZ}, and the archive holds this uid with "
    "{:%Y-%m-%dT%H:%M:%SZ}: one of the two is wrong, as a uid is created once; with the one it had "
    "in its cluster the dump can be read again"
)
_ERRORS: Final = (psycopg.Error, *CLIENT_VALUE_ERRORS)


class NotTogether(Exception):
    """The rows did not go in by one COPY: somebody was faster, or one of them is refused."""


class MonthGone(Exception):
    """The partition of a row was dropped since it was last seen."""


@dataclass(slots=True)
class Insertion:
    """A batch on its way in. `newest` is kept up to date as rows go in."""

    transaction: Transaction
    batch: Batch
    envelope: Envelope
    newest: dict[str, Newest]
    rows: list[Row] = field(default_factory=list)
    stale: set[str] = field(default_factory=set)
    unordered: set[str] = field(default_factory=set)
    swallowed: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        transaction: Transaction,
        batch: Batch,
        cluster_id: UUID,
        pretended: Mapping[Key, Newest],
    ) -> "Insertion":
        """Look at what there is. `pretended` are revisions of a dry run, which are not there."""
        keys = [record.key for record in batch.records]
        newest = dict(find_newest(transaction.driver, cluster_id, keys))
        newest |= {key.uid: pretended[key] for key in keys if key in pretended}
        envelope = Envelope(uuid4(), cluster_id, batch.run_id, transaction.began)
        insertion = cls(transaction, batch, envelope, newest)
        if not batch.live:
            insertion._refuse_second_births(pretended)
        return insertion

    def _refuse_second_births(self, pretended: Iterable[Key]) -> None:
        """The key begins with created_at: a uid that comes with another one would be a second
        object of the same id. An API server never says that of a uid; a file can.
        """
        new = [one.key for one in self.batch.records if one.key.uid not in self.newest]
        births = {key.uid: gotime.to_datetime(key.created_at) for key in pretended}
        cluster_id = self.envelope.cluster_id
        births |= find_other_births(self.transaction.driver, cluster_id, new)
        for key in new:
            if key.uid in births:
                given = gotime.to_datetime(key.created_at)
                self.refused[key.uid] = _SECOND_BIRTH.format(given, births[key.uid])

    def together(self, records: Sequence[AuditRecord]) -> None:
        """All records by one COPY. Raises NotTogether and MonthGone, which end the transaction."""
        new = [(record, n) for record in records if (n := self._number(record)) is not None]
        if not new:
            return
        rows: list[Row] = []
        try:
            copied = copy_rows(self.transaction.driver, self._made(new, rows))
        except _ERRORS as error:
            _raise_month_gone(error)
            if is_race(error) or blames_values(error):
                raise NotTogether from None
            raise
        if copied != len(rows):
            raise NotTogether  # a trigger swallows some: they must not get into the manifest
        self._keep(rows)

    def one_by_one(self, records: Sequence[AuditRecord]) -> None:
        """Each record for itself, so that one that is refused does not stop the others."""
        for record in records:
            while self._insert(record):
                uid = record.key.uid
                seen = self.newest.get(uid)
                self._look_again(record)
                if self.newest.get(uid) == seen:
                    self.refused[uid] = "a unique key that is not the archive's own"
                    break

    def _insert(self, record: AuditRecord) -> bool:
        """Whether somebody was faster, so that the rule has to be asked again."""
        number = self._number(record)
        if number is None:
            return False
        try:
            row = self._row(record, number)
            with self.transaction.driver.transaction():  # a savepoint
                copied = copy_rows(self.transaction.driver, [row])
        except _ERRORS as error:
            _raise_month_gone(error)
            if is_race(error):
                return True
            if not blames_values(error):
                raise
            self.refused[record.key.uid] = fault_of_values(error)
            return False
        if copied:
            self._keep([row])
        else:
            self.swallowed.add(record.key.uid)
        return False

    def _number(self, record: AuditRecord) -> int | None:
        """The revision that a record makes, if it makes one."""
        uid = record.key.uid
        number = next_revision(record, self.newest.get(uid), reread=uid in self.batch.reread)
        if not isinstance(number, Verdict):
            return number
        if number is not Verdict.SAME:
            self.stale.add(uid)
        if number is Verdict.UNORDERED and not self._has_its_place(record):
            self.unordered.add(uid)
        return None

    def _has_its_place(self, record: AuditRecord) -> bool:
        """Whether the archive holds this state already, as an earlier revision."""
        driver, cluster_id = self.transaction.driver, self.envelope.cluster_id
        return is_stored(driver, cluster_id, record.key, record.content_sha256)

    def _made(self, numbered: Iterable[tuple[AuditRecord, int]], rows: list[Row]) -> Iterator[Row]:
        """Their rows, which are kept in `rows` as well."""
        for record, number in numbered:
            rows.append(self._row(record, number))
            yield rows[-1]

    def _row(self, record: AuditRecord, number: int) -> Row:
        stored = record.as_revision(number, live=self.batch.live)
        return row_of(stored, number, self.envelope)

    def _keep(self, rows: Sequence[Row]) -> None:
        self.rows.extend(rows)
        for row in rows:
            self.newest[row.values["uid"]] = Newest(
                row.values["revision"],
                row.digest,
                row.values["resource_version"],
                self.envelope.batch_id,
            )

    def _look_again(self, record: AuditRecord) -> None:
        found = find_newest(self.transaction.driver, self.envelope.cluster_id, [record.key])
        self.newest.update(found)

    def require_kept(self) -> None:
        """Look at the rows once more, before anybody else can have added a later one.

        Raises Integrity where a trigger has deleted or changed one after it was counted: from
        outside that looks like a race, and would be tried again for ever.
        """
        made = self.made()
        there = find_newest(self.transaction.driver, self.envelope.cluster_id, made)
        for key, row in made.items():
            if there.get(key.uid) != row:
                raise Integrity(
                    f"the row of the object with the uid {key.uid} is not what was inserted: look "
                    "for triggers on archive.revision; nothing of this batch was stored"
                )

    def made(self) -> Mapping[Key, Newest]:
        """The revisions that this transaction made."""
        mine = self.envelope.batch_id
        newest = ((record.key, self.newest.get(record.key.uid)) for record in self.batch.records)
        return {key: made for key, made in newest if made and made.batch_id == mine}

    def written(self, quarantined: int, own: frozenset[UUID]) -> Written:
        """What was done. Rows of `own` batches were inserted by an attempt whose COMMIT was lost
        on the way back.
        """
        batches = own | {self.envelope.batch_id}
        inserted = {
            uid: newest.revision
            for uid, newest in self.newest.items()
            if newest.batch_id in batches
        }
        return Written(
            inserted,
            frozenset(self.stale),
            quarantined,
            self.refused,
            frozenset(self.unordered),
            frozenset(self.swallowed),
        )


def _raise_month_gone(error: Exception) -> None:
    if lacks_partition(error):
        raise MonthGone from None
