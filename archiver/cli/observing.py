"""Tells of objects being settled: to whoever watches, and each in a line of the log."""

from collections.abc import Callable
from typing import Final

import structlog

from archiver import log
from archiver.domain.plan import Reason
from archiver.domain.report import Outcome
from archiver.domain.tally import Settled

# Objects that are merely not due are counted, not logged: there are too many of them. One whose
# status cannot be read is named: nobody else would find it.
_QUIET: Final = frozenset({Outcome.NOT_DUE, Outcome.ALREADY})


def observer(
    progress: Callable[[Settled], None], run_id: str, dry_run: str
) -> Callable[[Settled], None]:
    """What a Tally calls. `dry_run` is none, client or server. Logs as is configured by now."""
    # Bound once: to find out how to log, for each line anew, takes longer than to write it.
    logger = structlog.get_logger().bind(run_id=run_id)
    # Nobody who reads one line alone may take it for something that was done.
    more = {} if dry_run == "none" else {"dry_run": dry_run}

    def observe(settled: Settled) -> None:
        progress(settled)
        if settled.outcome not in _QUIET or settled.why == Reason.UNREADABLE_STATUS:
            logger.log(
                log.level_of(settled.exit_code),
                "object.settled",
                uid=settled.uid,
                object=settled.object,
                outcome=settled.outcome,
                why=settled.why,
                **more,
            )

    return observe
