"""Waiting for what controllers do in their own time."""

import time
from collections.abc import Callable


def eventually(true: Callable[[], bool], limit: float = 60.0) -> None:
    """Ask until the answer is yes. Raises AssertionError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline, f"not within {limit:.0f} s"
        time.sleep(0.1)
