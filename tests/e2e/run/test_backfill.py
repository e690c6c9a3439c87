"""Everything terminal, of whatever age, in bounded memory."""

import sys

from tests.e2e.run.command import Archiver, finish, succeeded
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.run.rows import Rows

MANY = 5_000
MIB_AT_MOST = 200

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


def test_many_in_bounded_memory(archiver: Archiver, processings: Collection, rows: Rows) -> None:
    processings.create_all(range(MANY), hours=1, context_bytes=0)
    measured = (sys.executable, "-c", MEASURED)
    done = succeeded(finish(archiver.start(command="backfill", prefix=measured)))
    assert done.counts("found", "archived") == [MANY, MANY]
    assert rows.revisions() == MANY
    assert sum(map(is_marked, processings.all().values())) == MANY
    assert int(done.err.splitlines()[-1]) <= MIB_AT_MOST
    again = succeeded(archiver.run(command="backfill"))
    assert again.counts("already") == [MANY]
    assert not any(again.report["effects"].values())
