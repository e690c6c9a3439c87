"""Child processes that run as another account and end with this process."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.postgres.errors import PostgresError
from tests.postgres.folder import Folder

PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Bound here, before any fork: in the child of a process with threads, an import could wait for
# ever for a lock that a thread held which no longer exists.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def run(command: Sequence[str | Path], folder: Folder) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as the folder's account; its result is the caller's to judge.

    Raises PermissionError if that account cannot reach the program.
    """
    account = folder.account
    return subprocess.run(
        command,
        cwd=folder.path,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def check(command: Sequence[str | Path], folder: Folder) -> None:
    """Run a program to its end. Raises PostgresError with its output if it fails."""
    done = run(command, folder)
    if done.returncode != 0:
        raise PostgresError(
            f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )


def spawn(command: Sequence[str | Path], folder: Folder, log: Path) -> subprocess.Popen[bytes]:
    """Start a program that goes on, as the folder's account, its output appended to `log`.

    On Linux the kernel sends it SIGQUIT (PostgreSQL's immediate shutdown) when the *thread* that
    called this ends, however it ends: SIGKILL runs no clean-up of ours.
    """
    account = folder.account
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder.path,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=(folder.lock,),
            # Ctrl-C in a terminal reaches every process of its group. Who started the server
            # stops it, after the last query.
            start_new_session=True,
            # It runs after the change of user, which clears the death signal (prctl(2)).
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - see _prctl
        )


def _environment() -> dict[str, str]:
    # PGPORT, PGDATA and their like belong to the person's own servers; LC_ALL decides about the
    # language of messages that are read here.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return ours | {"LC_ALL": "C"}


def _end_with_parent(parent: int) -> Callable[[], None]:
    def in_the_child() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
            if os.getppid() != parent:  # it died before the line above: no signal will come
                os._exit(1)

    return in_the_child
