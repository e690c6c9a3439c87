"""Everything terminal, of whatever age, in bounded memory."""

import sys
from contextlib import suppress
from typing import NamedTuple

import pytest
from urllib3.exceptions import HTTPError

from tests.e2e.run.command import Archiver, Finished, finish, succeeded
from tests.e2e.run.objects import Collection
from tests.e2e.run.rows import Rows
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.starts_first

FEW = 1_500
MANY = 5_000
# What the container's limit in deploy/ is set from, and below the 150 that are promised.
MIB_AT_MOST = 150
# Of the bytes that the second half of the test below adds, at most this much may stay: they are 68
# MiB as they come, and several times that once they are decoded.
MIB_OF_GROWTH = 32
LARGE = 1_300_000  # bytes of context; etcd takes 1.5 MiB

# Starts the rest of its arguments; its last word is their peak memory. By a small process: what is
# forked starts with the peak of its parent, and pytest is large.
MEASURED = """
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak // (1 << 20 if sys.platform == "darwin" else 1 << 10), file=sys.stderr)
sys.exit(code)
"""


def test_age_does_not_matter(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    processings.create(1, hours=0.1)
    processings.create(2, hours=24 * 300, phase="failed")
    processings.create(3, phase="routing")
    done = succeeded(archiver.run(command="backfill"))
    assert done.counts("found", "archived", "notDue") == [3, 2, 1]
    assert rows.revisions() == 2


@pytest.mark.same_on_all_releases("memory is the archiver's own")
def test_many_in_bounded_memory(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    # The large ones lie close together: in both halves there are more of them than the pages that
    # are held at once can take.
    few = backfilled(archiver, processings, range(FEW), range(10_000, 10_040))
    assert few.done.counts("found", "archived") == [FEW + 40, FEW + 40]
    all_of_them = backfilled(archiver, processings, range(FEW, MANY), range(10_040, 10_080))
    assert all_of_them.done.counts("found", "already") == [MANY + 80, FEW + 40]
    assert rows.revisions() == MANY + 80
    assert all_of_them.mib <= min(MIB_AT_MOST, few.mib + MIB_OF_GROWTH)
    again = succeeded(archiver.run(command="backfill"))
    # Only what carries a valid mark, and is stored, is that.
    assert again.counts("already") == [MANY + 80]
    assert not any(again.report["effects"].values())
    # One request to delete them all may take longer than the API server allows.
    eventually(lambda: is_empty(processings), limit=600)


def is_empty(processings: Collection) -> bool:
    """Whether all are deleted by now."""
    # The answer names all that was deleted; the server breaks it off where it takes a minute.
    with suppress(HTTPError):
        processings.empty()
    return not processings.api.send("GET", processings.path, query={"limit": "1"}).body["items"]


class Measured(NamedTuple):
    """A run, and its peak memory."""

    done: Finished
    mib: int


def backfilled(archiver: Archiver, processings: Collection, small: range, large: range) -> Measured:
    """A run with so many more objects, of 8 KB of context and of the size that etcd just takes."""
    processings.create_all(small, hours=1)
    processings.create_all(large, hours=1, context_bytes=LARGE)
    measured = (sys.executable, "-c", MEASURED)
    done = succeeded(finish(archiver.start(command="backfill", prefix=measured)))
    return Measured(done, int(done.err.splitlines()[-1]))
