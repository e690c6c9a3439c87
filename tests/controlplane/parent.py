"""A program that ends with the one that started it: with make, should somebody kill that."""

import ctypes
import os
import signal
import sys

from tests.controlplane.launch import PR_SET_PDEATHSIG


def end_with_parent() -> None:
    """From now on this process gets SIGTERM as soon as its parent is gone, on Linux.

    However the parent ended, even by SIGKILL, which it cannot pass on. More exactly: as soon as
    that *thread* is gone which started this process (prctl(2)).
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above: no signal will come
        os.kill(os.getpid(), signal.SIGTERM)
