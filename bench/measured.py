"""`archiver` as a process of its own, measured from outside."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """A process that has ended: seconds of wall time and of its own CPU, peak memory in MiB."""

    wall: float
    cpu: float
    rss: float
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Running:
    """A process on its way."""

    launcher: subprocess.Popen[bytes]

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end, but no longer than that."""
        with suppress(subprocess.TimeoutExpired):
            self.launcher.wait(seconds)
        return self.launcher.returncode is not None

    def stop(self) -> None:
        """SIGSTOP: what it has asked for is answered, and nothing more is asked for."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        pid = self.launcher.pid
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), number)


def measure(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    beside: Callable[[Running], None] = lambda _running: None,
) -> Measured:
    """Run a Python module with arguments. Anything but exit code 0 is an error here.

    `beside` is called while it runs.
    """
    # By a small process: what is forked starts with the peak memory of its parent.
    launcher = [*_ENDS_WITH_ITS_PARENT, sys.executable, "-c", _LAUNCH,
                *_ENDS_WITH_ITS_PARENT, sys.executable, "-m", *arguments]  # fmt: skip
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHIVER_", "KUBECONF"))}
    # Files: nobody reads a pipe while the process is watched.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        running = Running(
            subprocess.Popen(
                launcher,
                env={**inherited, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        )
        try:
            beside(running)
        finally:
            running.launcher.wait()
        wall = time.perf_counter() - started
        stdout, stderr = (_text_of(file) for file in (out, err))
    code, cpu, rss = json.loads(stderr.splitlines()[-1])
    if code != 0:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {code}\n{stdout}{stderr}")
    report = json.loads(stdout) if stdout.startswith("{") else {}
    return Measured(wall, cpu, rss / 1024, report)


def _text_of(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode())


# A benchmark that is killed leaves nobody in SIGSTOP.
_ENDS_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")

_LAUNCH = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]), file=sys.stderr)
"""
