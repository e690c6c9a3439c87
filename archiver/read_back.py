"""A second look at rows, before marks that come long after the first one."""

from archiver.domain.report import Outcome
from archiver.domain.tally import Tally
from archiver.errors import ArchiverError, Integrity
from archiver.pending import Pending, Waiting
from archiver.ports import Source, Store


class ReadBack:
    """Never raises an ArchiverError: it counts the objects as deferred and leaves the error in the
    tally.
    """

    def __init__(self, source: Source, store: Store, tally: Tally) -> None:
        self._source, self._store, self._tally = source, store, tally
        self._failed: ArchiverError | None = None

    def doubt(self, error: ArchiverError) -> None:
        """The store has just failed: it is not waited for again."""
        self._failed = self._failed or error

    def again(self, waiting: Waiting) -> Waiting:
        """What may be marked now, and what has to be read again, of what was read back before.

        The latter has been followed by a state that another run stored. A row that is missing is
        lost integrity, for it was durable.
        """
        if not waiting.confirmed:
            return waiting
        try:
            confirmed, followed = self._compare(waiting.confirmed)
        except ArchiverError as error:
            # The pages behind this one need the same answer.
            self.doubt(error)
            self._tally.fail(error)
            for one in waiting.confirmed:
                self._tally.settle(one, Outcome.DEFERRED, str(error))
            confirmed, followed = [], []
        return Waiting(confirmed, [*waiting.again, *followed], waiting.stale, waiting.revised)

    def _compare(self, known: list[Pending]) -> tuple[list[Pending], list[Pending]]:
        if self._failed is not None:
            raise self._failed
        cluster = self._source.cluster_id
        newest = self._store.newest(cluster, [one.key for one in known])
        absent = [one for one in known if one.key.uid not in newest]
        others = [one for one in known if newest.get(one.key.uid) != one.digest]
        # An earlier state in its place is as good as none.
        missing = absent or [
            one for one in others if not self._store.holds(cluster, one.key, one.digest)
        ]
        if missing:
            raise Integrity(
                f"of the rows that were read back, {len(missing)} are there no more, that of "
                f"{missing[0]} among them: look for a failover to a standby that lacked them, or a "
                "database that was restored; none of these objects was marked, and the next run "
                "stores what is still there: do not wait with it"
            )
        return [one for one in known if newest.get(one.key.uid) == one.digest], others
