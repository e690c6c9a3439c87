"""Passes TCP connections on, byte by byte.

Into the node's network, from a socket that was made outside; and from the node's address to a
server that listens on loopback only.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Self

LOOPBACK = "127.0.0.1"


class Relay:
    """Listens in its own thread until closed, or until this process ends."""

    def __init__(self, listening: socket.socket, port: int) -> None:
        """From this socket to `port` of loopback."""
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, sock=listening)
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()

    @classmethod
    def listen(cls, host: str, port: int) -> Self:
        """From a free port of an address of this machine. Raises OSError if it is not ours."""
        return cls(socket.create_server((host, 0)), port)

    def close(self) -> None:
        """Listen no more. Connections end with their servers."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner = await asyncio.open_connection(LOOPBACK, self._target)
            await asyncio.gather(_pass_on(reader, inner[1]), _pass_on(inner[0], writer))
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()
