"""A node that fails and comes back: kubelet, containerd and every container, killed at once.

    python -m tests.node.restart FOLDER

Run inside of the namespaces. The servers are started again by who tends them (inside.py).
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.node import cgroups
from tests.node.node import PIDS


def restart(folder: Path) -> None:
    """Kill them, servers first, so that nobody tidies up."""
    servers = [int(pid) for pid in (folder / PIDS).read_text().split()]
    pods = cgroups.processes(f"{folder.name}/kubepods")
    shims = [int(p.name) for p in Path("/proc").glob("[0-9]*") if _is_shim(p)]
    for pid in (*servers, *shims, *pods):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_shim(process: Path) -> bool:
    with suppress(OSError):
        return (process / "comm").read_text().startswith("containerd-shim")
    return False


if __name__ == "__main__":
    restart(Path(sys.argv[1]))
