"""The process: `python -m archiver`, and what the console script starts."""

import gc
import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Final

# Allocations between two looks for cycles. With the default of 700 a start looks for some a
# thousand times, and finds none: modules stay.
_ALLOCATIONS: Final = 100_000


def main() -> None:
    """Run the command line. From its first line on, being told to stop is no failure."""
    _fill_gaps()
    signal.signal(signal.SIGTERM, _stop_at_once)
    gc.set_threshold(_ALLOCATIONS)
    # After that, because these imports are most of a start: half a second, or seconds under load.
    from archiver.cli import main as command_line

    command_line()


def _fill_gaps() -> None:
    """Where a process was started without one of them (`2>&-`), the next file that is opened would
    be it, and what is meant for standard error would go to the database.
    """
    for standard in range(3):
        try:
            os.fstat(standard)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _stop_at_once(_number: int, _frame: FrameType | None) -> None:
    """Nothing is begun that could be finished, or whatever is rolls back by itself.

    A run takes the signal over (archiver.shutdown) before it begins anything.
    """
    with suppress(OSError):
        os.write(2, b"archiver: told to stop (SIGTERM)\n")
    os._exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    main()
