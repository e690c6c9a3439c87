"""Loopback ports that stay ours."""

import socket
import sys

LOOPBACK = "127.0.0.1"


class Port:
    """A free TCP port of 127.0.0.1, kept for one server through all its restarts.

    On Linux a bound socket that never listens keeps the kernel from giving the number to somebody
    else, while a server that sets SO_REUSEADDR, as every Go server does, may still listen there
    (socket(7)). Elsewhere that server would be refused, so the number is only likely to stay free.
    """

    def __init__(self) -> None:
        """Reserve one."""
        self._placeholder = socket.socket()
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._placeholder.bind((LOOPBACK, 0))
        self.number: int = self._placeholder.getsockname()[1]
        if sys.platform != "linux":
            self._placeholder.close()

    def __str__(self) -> str:
        """The number, for a flag or a URL."""
        return str(self.number)

    def release(self) -> None:
        """Let others have it."""
        self._placeholder.close()
