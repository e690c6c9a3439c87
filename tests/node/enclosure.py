"""A command in namespaces of its own, as root, on a machine that it cannot change.

Mount, network, pid, IPC and UTS namespaces by unshare(1); a cgroup of its own; a folder that holds
all it writes. The machine's network stays as it is: sockets that listen on the machine's loopback
are made outside and handed in, since a socket belongs to the network namespace it was made in.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which

from tests.controlplane.processes import LAUNCH
from tests.node.janitor import ENDING, REPOSITORY, Janitor
from tests.node.place import Place

GRACE = 10.0  # seconds
# --kill-child: SIGKILL to the first process of the namespaces, should unshare be killed.
UNSHARE = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child")


def enclosed(
    tidied: tuple[Place, Janitor],
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    sockets: Sequence[socket.socket] = (),
) -> int:
    """Run a command inside to its end; its exit code. SIGTERM and SIGHUP end it at once."""
    place, janitor = tidied
    received: list[int] = []
    for number in (*ENDING, signal.SIGINT):
        # An exception here could lose the process, and the janitor would wait for it for ever.
        signal.signal(number, lambda number, _: received.append(number))
    process = subprocess.Popen(
        # launch.py: it ends with this process, even if this one is killed.
        [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), which("unshare") or "unshare",
         *UNSHARE, "--", sys.executable, "-m", "tests.node.init", place.cgroup, *command],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        pass_fds=(janitor.alive, *(handed_in.fileno() for handed_in in sockets)),
    )  # fmt: skip
    for number in ENDING:
        signal.signal(number, lambda *_: _kill(process))
    if received:
        _kill(process)
    # A terminal's Ctrl-C reaches the command too, which may want to have the last word.
    last_word = threading.Timer(GRACE, _kill, [process])
    last_word.daemon = True
    signal.signal(signal.SIGINT, lambda *_: None if last_word.is_alive() else last_word.start())
    try:
        code = process.wait()
    finally:
        last_word.cancel()
        _kill(process)
    return code if code >= 0 else 128 - code  # as a shell says that a signal ended it


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the first process of the namespaces, and with it all others."""
    # Not unshare, which waits for it: so that nobody is left for the machine's init to reap.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    first = children.read_text().split() if children.exists() else []
    for pid in first:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    if not first:
        process.kill()
