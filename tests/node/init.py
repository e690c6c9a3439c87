"""The first process of the pid namespace: everything in it ends with this one.

    python -m tests.node.init STDERR CGROUP COMMAND [ARGUMENT ...]

It joins the node's cgroup, starts the command with that descriptor for its standard error, reaps
what lost its parent (containers' shims do that), passes signals on, and ends as the command ends.
"""

import os
import signal
import subprocess
import sys

from tests.node import cgroups

if __name__ == "__main__":
    words, cgroup, *command = sys.argv[1:]
    os.dup2(int(words), 2)
    os.close(int(words))
    cgroups.join(cgroup)
    # With every descriptor that it was given: the sockets, and the janitor's sign of life.
    child = subprocess.Popen(command, close_fds=False)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda received, _: child.send_signal(received))
    # It was kept waiting; the command takes it when it can.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 128 - code)
