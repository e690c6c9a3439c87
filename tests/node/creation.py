"""A command that creates what has to be deleted again, by programs that it calls.

Cut off in the middle, it is not enough that the command itself ends: a `docker run` that it called
goes on, and makes a container after somebody looked for containers to delete.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.controlplane.processes import LAUNCH
from tests.node.errors import NodeError

ENDING = (signal.SIGTERM, signal.SIGHUP)
MADE_WITHIN = 20.0  # seconds for what Docker was already asked for
PAUSE = 0.2  # seconds


def create(command: Sequence[str], delete: Callable[[], None]) -> None:
    """Run it to its end. The first word is a path.

    Where an exception cuts it off, `delete` is called, more than once, until nothing of it runs any
    more, and what there is then is for the caller to delete. Raises NodeError with its words.
    """
    creation = subprocess.Popen(
        launched(*command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # By the group's number the programs are found that it calls.
        start_new_session=True,
    )
    try:
        said, _ = creation.communicate()
    except BaseException:
        with undisturbed():
            _cut_off(creation, delete)
        raise
    if creation.returncode != 0:
        raise NodeError(f"{' '.join(command)}: {creation.returncode}\n{said}")


def launched(*command: str) -> list[str]:
    """The command (its first word is a path) that ends with this process, even if it is killed."""
    return [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *command]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that end a run are ignored; by programs that it starts too, which inherit that."""
    before = {n: signal.signal(n, signal.SIG_IGN) for n in (*ENDING, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cut_off(creation: "subprocess.Popen[str]", delete: Callable[[], None]) -> None:
    creation.kill()
    creation.wait()
    deadline = time.monotonic() + MADE_WITHIN
    # What waits for something in a container ends with the container.
    while _is_there(creation.pid) and time.monotonic() < deadline:
        # It may fail beside what is being made; the last word has the caller.
        with suppress(NodeError):
            delete()
        time.sleep(PAUSE)
    with suppress(ProcessLookupError):  # the download of an image, say
        os.killpg(creation.pid, signal.SIGKILL)


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
