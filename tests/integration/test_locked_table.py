"""A run that waits for a lock, as its users start it: it ends when it is told to."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg

from tests.postgres.database import Database

WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


def test_a_run_that_waits_for_a_lock_ends_when_it_is_told_to(
    database: Database, tmp_path: Path
) -> None:
    dump = tmp_path / "dump.jsonl"
    dump.touch()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")} | {
        "ARCHIVER_DATABASE_URL": database.owner_url
    }
    with psycopg.connect(database.owner_url) as locking:
        locking.execute("LOCK TABLE archive.revision")
        with subprocess.Popen(
            [sys.executable, "-m", "archiver", "backfill", "--from", str(dump), "-o", "json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as run:
            while locking.execute(WAITS).fetchone() != (True,):
                assert run.poll() is None
                threading.Event().wait(0.05)
            run.send_signal(signal.SIGTERM)
            out, _ = run.communicate()
        report = json.loads(out)
    assert (run.returncode, report["exitCode"]) == (75, 75)
    assert "it was told to end" in report["error"]
    # The limit of a statement is a minute, which would look the same.
    assert report["seconds"] < 60
