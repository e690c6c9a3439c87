"""Bounds whatever a connection is waiting for. No server-side timeout bounds a COMMIT."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg

# How long the server may take to obey; seconds. Then the connection is cut.
_GRACE: Final = 5.0


@contextmanager
def deadline(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Send a cancel once `seconds` have passed, and cut the connection if even that does not help.

    The statement that waits then fails with SQLSTATE 57014, or as a lost connection; a COMMIT that
    waits for a synchronous standby ends with a warning.
    """
    done = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(connection, seconds, done), name="deadline", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        done.set()
        # A cancel under way must not hit whatever this connection does next.
        watch.join()


def _watch(connection: psycopg.Connection[Any], seconds: float, done: threading.Event) -> None:
    if done.wait(seconds):
        return
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=_GRACE)
    if done.wait(_GRACE):
        return
    with suppress(psycopg.Error, OSError):
        _cut(connection)


def _cut(connection: psycopg.Connection[Any]) -> None:
    """End the connection under the driver's feet: the thread that waits for it sees it lost."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
