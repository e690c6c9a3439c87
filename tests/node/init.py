"""The first process of the pid namespace: everything in it ends with this one.

    python -m tests.node.init CGROUP COMMAND [ARGUMENT ...]

It joins the node's cgroup, starts the command, reaps what lost its parent (containers' shims do
that), passes signals on, and ends as the command ends.
"""

import os
import signal
import subprocess
import sys

from tests.node import cgroups

if __name__ == "__main__":
    cgroups.join(sys.argv[1])
    # With every descriptor that it was given: the sockets, and the janitor's sign of life.
    child = subprocess.Popen(sys.argv[2:], close_fds=False)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))
    # A terminal's Ctrl-C has reached the child already.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 128 - code)
