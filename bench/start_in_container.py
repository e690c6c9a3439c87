"""`archiver --help` in a container of the image, warm and cold, on the node of the tests.

python -m tests.node run --image ARCHIVE -- python -m bench.start_in_container

Beside it the same container with a Python that does nothing: what that takes is containerd's and
runc's own, and a pod's network comes on top.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from bench.start import forget
from bench.timing import milliseconds
from tests.node.containerd import SOCKET

IMAGE: Final = os.environ.get("ARCHIVER_TEST_IMAGE", "")
NOTHING: Final = ("/usr/bin/python3.11", "-I", "-S", "-c", "pass")
TIMES: Final = 10
_names = count()


def start(command: Sequence[str] = ()) -> None:
    """Create a container, run the command (the image's own without one), and delete it.

    Raises CalledProcessError.
    """
    ctr = [
        "ctr",
        "--address",
        SOCKET,
        "--namespace",
        "k8s.io",
        "run",
        "--rm",
        "--read-only",
        "--cgroup",
        "",
    ]  # one of its own would stay behind, outside of the node's
    subprocess.run(
        [*ctr, IMAGE, f"start-{next(_names)}", *command], check=True, stdout=subprocess.DEVNULL
    )


def unpacked() -> Path:
    """The image's files on the node, which keeps them beside our folder for temporary ones."""
    kept = Path(tempfile.gettempdir()).parent / "containerd"
    [entry_point] = kept.glob("*snapshotter*/snapshots/*/fs/usr/local/bin/archiver")
    return entry_point.parents[3]


def main() -> None:
    """Measure and print. The two take turns."""
    layers = unpacked()
    measured: dict[str, list[float]] = {}

    def measure(name: str, act: Callable[[], None]) -> None:
        measured.setdefault(name, []).append(milliseconds(act))

    start()
    for _ in range(TIMES):
        measure("archiver --help, warm", start)
        measure("a Python that does nothing, warm", lambda: start(NOTHING))
        forget(layers)
        measure("archiver --help, cold", start)
        forget(layers)
        measure("a Python that does nothing, cold", lambda: start(NOTHING))
    for name, times in measured.items():
        print(f"{name}: {median(times):.0f} ms, {min(times):.0f} to {max(times):.0f}")


if __name__ == "__main__":
    main()
