"""A command in namespaces of its own, as root, on a machine that it cannot change.

Mount, network, pid, IPC and UTS namespaces by unshare(1); a cgroup of its own; a folder that holds
all it writes. The machine's network stays as it is: sockets that listen on the machine's loopback
are made outside and handed in, since a socket belongs to the network namespace it was made in.
"""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which

from tests.controlplane.processes import LAUNCH
from tests.node.janitor import ENDING, REPOSITORY, Janitor
from tests.node.place import Place
from tests.node.program import as_a_shell_says

GRACE = 10.0  # seconds
# --kill-child: SIGKILL to the first process of the namespaces, should unshare be killed.
UNSHARE = ("--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child")


def enclosed(
    tidied: tuple[Place, Janitor],
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    sockets: Sequence[socket.socket] = (),
) -> int:
    """Run a command inside to its end; its exit code, or 128 and the number of the signal.

    SIGTERM and SIGHUP end it at once. SIGINT is passed on, as the command may want to have the last
    word; a second one, or ten seconds, and it is ended as well.
    """
    place, janitor = tidied
    ended: list[int] = []
    for number in ENDING:
        # An exception here could lose the process, and the janitor would wait for it for ever.
        signal.signal(number, lambda number, _: ended.append(number))
    with _kept_waiting(signal.SIGINT):
        handed_in = (janitor.alive, *(each.fileno() for each in sockets))
        process = _start([place.cgroup, *command], environment, handed_in)
        last_word = _on_signals(process, ended)
    if ended:
        _kill(process)
    try:
        code = process.wait()
    finally:
        last_word.cancel()
        _kill(process)
    return 128 + ended[0] if ended else _code(process, code)


def _start(
    inside: Sequence[str | Path], environment: Mapping[str, str], handed_in: Sequence[int]
) -> "subprocess.Popen[str]":
    words = os.dup(2)
    try:
        return subprocess.Popen(
            # launch.py: it ends with this process, even if this one is killed.
            [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), which("unshare") or "unshare",
             *UNSHARE, "--", sys.executable, "-m", "tests.node.init", str(words), *inside],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            pass_fds=(*handed_in, words),
            # unshare's own: see _code.
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C comes by way of this process, as does what is sent to it alone.
            start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(words)


def _on_signals(process: "subprocess.Popen[str]", ended: list[int]) -> threading.Timer:
    """From now on a signal ends it, and `ended` has the number; the timer of the last word."""

    def end(number: int, _: object = None) -> None:
        ended.append(number)
        _kill(process)

    def interrupt(number: int, _: object) -> None:
        # Counted first of all: the second one may come while this one is being handled.
        if next(interrupts) or not _send(process, signal.SIGINT):
            end(number)
        else:
            last_word.start()

    interrupts = itertools.count()
    last_word = threading.Timer(GRACE, end, [signal.SIGINT])
    last_word.daemon = True
    for number in ENDING:
        signal.signal(number, end)
    signal.signal(signal.SIGINT, interrupt)
    return last_word


@contextmanager
def _kept_waiting(number: signal.Signals) -> Iterator[None]:
    """A signal that comes meanwhile comes afterwards.

    What is started meanwhile begins in the same way, and takes the signal once it can: the first
    process of a pid namespace would never see one for which it has no handler yet.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _code(process: "subprocess.Popen[str]", code: int) -> int:
    """As a shell says it, 128 and the signal's number where one ended it. Says unshare's words."""
    words = process.stderr.read() if process.stderr else ""
    # unshare wants to end as its child has ended, by the same signal, and stumbles over SIGKILL.
    if code == 1 and "sigprocmask unblock failed" in words:
        return 128 + signal.SIGKILL
    sys.stderr.write(words)
    return as_a_shell_says(code)


def _kill(process: "subprocess.Popen[str]") -> None:
    """Kill the first process of the namespaces, and with it all others."""
    # Not unshare, which waits for it: so that nobody is left for the machine's init to reap.
    if not _send(process, signal.SIGKILL):
        process.kill()


def _send(process: "subprocess.Popen[str]", number: signal.Signals) -> bool:
    """Send it to the first process of the namespaces; whether there is one."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    first = children.read_text().split() if children.exists() else []
    for pid in first:
        with suppress(ProcessLookupError):
            os.kill(int(pid), number)
    return bool(first)
