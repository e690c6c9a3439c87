"""`archiver` as a process of its own, measured from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """A process that has ended: seconds of wall time and of its own CPU, peak memory in MiB."""

    wall: float
    cpu: float
    rss: float
    report: Mapping[str, Any]


def measure(arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a Python module with arguments. Anything but exit code 0 is an error here."""
    # By a small process: what is forked starts with the peak memory of its parent.
    launcher = [sys.executable, "-c", _LAUNCH, sys.executable, "-m", *arguments]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHIVER_", "KUBECONF"))}
    started = time.perf_counter()
    done = subprocess.run(
        launcher,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - started
    code, cpu, rss = json.loads(done.stderr.rpartition("\n")[2] or done.stderr.splitlines()[-1])
    if code != 0:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {code}\n{done.stdout}{done.stderr}")
    report = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    return Measured(wall, cpu, rss / 1024, report)


_LAUNCH = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]), end="", file=sys.stderr)
"""
