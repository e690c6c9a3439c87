"""Runs that wait for something before their first page: each ends when it is told to."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres.database import Database
from tests.unit.kube.test_credentials import kubeconfig

WAITS = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


def told_to_end(arguments: list[str], waits: Callable[[], bool], **environment: str) -> Any:
    """The report of a run that gets SIGTERM as soon as it `waits`."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")}
    with subprocess.Popen(
        [sys.executable, "-m", "archiver", *arguments, "-o", "json"],
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        while not waits():
            assert run.poll() is None
            threading.Event().wait(0.05)
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate()
    report = json.loads(out)
    assert (run.returncode, report["exitCode"]) == (75, 75)
    return report


def test_a_run_that_waits_for_a_plugin(database: Database, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\ntouch {asked}\nexec sleep 1000\n")
    plugin.chmod(0o755)
    version = "client.authentication.k8s.io/v1"
    config = {"apiVersion": version, "command": str(plugin), "interactiveMode": "Never"}
    report = told_to_end(
        ["run"],
        asked.exists,
        KUBECONFIG=str(kubeconfig(tmp_path / "kubeconfig", exec=config)),
        ARCHIVER_DATABASE_URL=database.owner_url,
    )
    assert "had given no credentials when the run was to end" in report["error"]


def test_a_run_that_waits_for_a_lock(database: Database, tmp_path: Path) -> None:
    dump = tmp_path / "dump.jsonl"
    dump.touch()
    with psycopg.connect(database.owner_url) as locking:
        locking.execute("LOCK TABLE archive.revision")
        report = told_to_end(
            ["backfill", "--from", str(dump)],
            lambda: locking.execute(WAITS).fetchone() == (True,),
            ARCHIVER_DATABASE_URL=database.owner_url,
        )
    assert "it was told to end" in report["error"]
    # The limit of a statement is a minute, which would look the same.
    assert report["seconds"] < 60
