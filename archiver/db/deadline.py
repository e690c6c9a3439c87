"""Bounds whatever a connection is waiting for. No server-side timeout bounds a COMMIT."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg

# How long the server may take to obey; seconds. Then the connection is cut.
_GRACE: Final = 5.0
# How often a wait looks up to see whether its time has been cut short; seconds.
_GLANCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a connection may wait: `seconds`, or until `ended`, whichever is sooner."""

    seconds: float = 60.0
    ended: Callable[[], bool] = lambda: False


A_MINUTE: Final = Limit()


@contextmanager
def deadline(connection: psycopg.Connection[Any], limit: Limit) -> Iterator[None]:
    """Send a cancel at the limit, and cut the connection if even that does not help.

    The statement that waits then fails with SQLSTATE 57014, or as a lost connection; a COMMIT that
    waits for a synchronous standby ends with a warning.
    """
    done = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(connection, limit, done), name="deadline", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        done.set()
        # A cancel under way must not hit whatever this connection does next.
        watch.join()


def _watch(connection: psycopg.Connection[Any], limit: Limit, done: threading.Event) -> None:
    if _done_within(limit, done):
        return
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=_GRACE)
    if done.wait(_GRACE):
        return
    with suppress(psycopg.Error, OSError):
        _cut(connection)


def _done_within(limit: Limit, done: threading.Event) -> bool:
    until = time.monotonic() + limit.seconds
    while (left := until - time.monotonic()) > 0 and not limit.ended():
        if done.wait(min(left, _GLANCE)):
            return True
    return False


def _cut(connection: psycopg.Connection[Any]) -> None:
    """End the connection under the driver's feet: the thread that waits for it sees it lost."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
