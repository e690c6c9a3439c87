"""`archiver` as its users start it: a process with an environment, an output and an exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A run that takes this long hangs; seconds.
LIMIT = 600


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The RunReport."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    def counts(self, *names: str) -> list[int]:
        """Some of the report's counters."""
        counts: dict[str, int] = self.report["counts"]
        return [counts[name] for name in names]

    def effects(self, *names: str) -> list[int]:
        """Some of the report's effects."""
        effects: dict[str, int] = self.report["effects"]
        return [effects[name] for name in names]


@dataclass(frozen=True, slots=True)
class Archiver:
    """One account's way to call it: the cluster, the database and where to look.

    `processes` are all that were started, by copies of this one too.
    """

    kubeconfig: Path
    database_url: str
    namespace: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *arguments: str, command: str = "run") -> Finished:
        """Run it to its end."""
        return finish(self.start(*arguments, command=command))

    def start(
        self, *arguments: str, command: str = "run", prefix: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        """Start it; `prefix` is a program that starts it in our stead."""
        where = ["-n", self.namespace] if self.namespace else []
        program = [*prefix, sys.executable, "-m", "archiver", command, *where, "-o", "json"]
        process = subprocess.Popen(
            [*program, *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Kill what a failed test left running."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def _environment(self) -> dict[str, str]:
        foreign = ("ARCHIVER_", "PG", "KUBECONFIG")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        ours = {
            "KUBECONFIG": str(self.kubeconfig),
            "ARCHIVER_DATABASE_URL": self.database_url,
            "ARCHIVER_RETENTION": "24h",
            "ARCHIVER_LEAD": "6h",
        }
        return inherited | ours | dict(self.environment)


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for its end."""
    with process:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    # pytest shows it where a test fails.
    print(f"exit code {process.returncode}\n{out}\n{err}")  # noqa: T201 - said above
    return Finished(process.returncode, out, err)


def succeeded(finished: Finished) -> Finished:
    """The same, if it went well; else its words are the failure."""
    assert finished.code == 0, f"exit code {finished.code}\n{finished.out}\n{finished.err}"
    return finished
