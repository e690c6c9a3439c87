"""A run whose exec plugin hangs, as its users start it: it ends when it is told to."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.postgres.database import Database
from tests.unit.kube.test_credentials import kubeconfig


def test_a_run_that_waits_for_a_plugin_ends_when_it_is_told_to(
    database: Database, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\ntouch {asked}\nexec sleep 1000\n")
    plugin.chmod(0o755)
    version = "client.authentication.k8s.io/v1"
    config = {"apiVersion": version, "command": str(plugin), "interactiveMode": "Never"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ARCHIVER_")} | {
        "KUBECONFIG": str(kubeconfig(tmp_path / "kubeconfig", exec=config)),
        "ARCHIVER_DATABASE_URL": database.owner_url,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "archiver", "run", "-o", "json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        while not asked.exists():
            assert run.poll() is None
            threading.Event().wait(0.05)
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate()
    report = json.loads(out)
    assert (run.returncode, report["exitCode"]) == (75, 75)
    assert "had given no credentials when the run was to end" in report["error"]
