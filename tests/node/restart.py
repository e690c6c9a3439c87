"""A node that fails and comes back: kubelet, containerd and every container, killed at once.

    python -m tests.node.restart FOLDER [kubelet]

Or the kubelet alone, which leaves containers as they are. Run inside of the namespaces. The servers
are started again by who tends them (inside.py).
"""

import json
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.node import cgroups
from tests.node.node import PIDS


def restart(folder: Path) -> None:
    """Kill them, servers first, so that nobody tidies up."""
    servers = _servers(folder).values()
    pods = cgroups.processes(f"{folder.name}/kubepods")
    shims = [int(p.name) for p in Path("/proc").glob("[0-9]*") if _is_shim(p)]
    _kill([*servers, *shims, *pods])


def restart_kubelet(folder: Path) -> None:
    """Kill it: the next one knows nothing of what this one had in memory, such as pods' tokens."""
    _kill([_servers(folder)["kubelet"]])


def _servers(folder: Path) -> dict[str, int]:
    return dict(json.loads((folder / PIDS).read_text()))


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_shim(process: Path) -> bool:
    with suppress(OSError):
        return (process / "comm").read_text().startswith("containerd-shim")
    return False


if __name__ == "__main__":
    _, place, *only = sys.argv
    (restart_kubelet if only == ["kubelet"] else restart)(Path(place))
