"""A machine with programs in the place of kind and Docker."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.node.kind import CLUSTER, PROVIDER
from tests.node.postgresql import ADDRESS

NAME = "kubernaut-archiver:1.0"
CREATE = f"kind create cluster --name {CLUSTER} --kubeconfig"
DELETE = f"kind delete cluster --name {CLUSTER}"
LIMIT = 30.0  # seconds

KIND = """\
#!/bin/sh
echo "kind $*" >> calls
case "$1 $2" in
  "get clusters") cat clusters 2> clusters.err || true ;;
  "create cluster")
    test ! -e late || { (sleep 2; echo archiver-e2e > clusters; touch made) & touch begun; wait; }
    echo archiver-e2e > clusters; test ! -e slow || exec sleep 60 ;;
  "delete cluster") ! rm failing 2> clusters.err || exit 1; rm -f clusters ;;
esac
"""
DOCKER = """\
#!/bin/sh
echo "docker $*" >> calls
case "$1" in
  network) echo "invalid IP fc00:f853:ccd:e793::1/64 $(cat gateway) " ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One with the stand-ins, in a folder of its own."""

    folder: Path
    address: str = ""  # that a person says
    provider: str = ""

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A run of the tests there."""
        command = [sys.executable, "-m", "tests.node.kind", "run", "--name", NAME, *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder}:{os.environ['PATH']}"
        folders = {"XDG_CACHE_HOME": str(self.folder / "cache"), "TMPDIR": str(self.temporary)}
        own = {**folders, "PATH": path, "PYTHONPATH": str(Path.cwd())}
        return {**os.environ, **own, ADDRESS: self.address, PROVIDER: self.provider}

    def run(self, *arguments: str) -> tuple[int, str]:
        """One to its end: exit code, and what it says."""
        process = self.start(*arguments)
        _, said = process.communicate(timeout=LIMIT)
        return process.returncode, said

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def cluster(self) -> bool:
        return (self.folder / "clusters").exists()

    def waiting(self, *command: str) -> "subprocess.Popen[str]":
        """A run in the middle of its command, or of what the stand-in for kind waits for."""
        process = self.start("--", *(command or ("sh", "-c", "touch begun; exec sleep 60")))
        begun = self.folder / ("clusters" if (self.folder / "slow").exists() else "begun")
        wait_for(begun.exists)
        return process


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
