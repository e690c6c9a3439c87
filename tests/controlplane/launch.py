"""Run as a program: become a server that the kernel ends together with the process before it.

    python launch.py PARENT-PID COMMAND [ARGUMENT ...]

The wish for a death signal survives execv (prctl(2)). Asking for it in a process of its own, not
in subprocess' preexec_fn, is safe in a parent that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h

if __name__ == "__main__":
    _, parent, *command = sys.argv
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the line above: no signal will come
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - that is its purpose; no shell is involved
