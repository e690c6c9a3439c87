"""Waiting for a server."""

import time
from collections.abc import Callable

from tests.controlplane.processes import ServerProcess

# Three seconds are usual. A machine that compiles at the same time needs many times that.
LIMIT = 120.0  # seconds
PAUSE = 0.05  # seconds


def wait_until(ready: Callable[[], bool], process: ServerProcess, limit: float = LIMIT) -> None:
    """Ask again and again until it is ready.

    Raises ServerFailed with the end of the server's log if it ends first, or after `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while not ready():
        process.check()
        if time.monotonic() > deadline:
            raise process.failed(f"was not ready within {limit:.0f} s")
        time.sleep(PAUSE)
