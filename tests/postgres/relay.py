"""Passes TCP connections on to a port of loopback, byte by byte."""

import asyncio
import contextlib
import socket
import threading
from typing import Self

LOOPBACK = "127.0.0.1"
SHUT_TIMEOUT = 10  # seconds


class Relay:
    """Listens in its own thread until closed."""

    def __init__(self, listening: socket.socket, target_port: int) -> None:
        """From this socket, which it closes at its end."""
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, sock=listening)
        )
        self.address: str
        self.port: int
        self.address, self.port = self._server.sockets[0].getsockname()[:2]
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()

    @classmethod
    def listen(cls, address: str, target_port: int, *, port: int = 0) -> Self:
        """At an address of this machine, from a free port unless given.

        Raises OSError if it has no such address, or somebody else has the port.
        """
        return cls(socket.create_server((address, port)), target_port)

    def close(self) -> None:
        """Cut all connections and stop listening."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(SHUT_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def negotiate(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bytes:
        """Talk to a client before the server is asked; what the server is told first."""
        return b""

    async def ask_server(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Tell the server `first`, and then what its client has to say."""
        writer.write(first)
        await pass_on(reader, writer)

    async def _shut(self) -> None:
        self._server.close()
        for writer in self._clients.values():
            # Not close(): that waits for the client to agree, which may be in no hurry.
            writer.transport.abort()
        await asyncio.gather(*self._clients)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self._loop.create_task(self._serve(reader, writer))
        self._clients[connection] = writer
        connection.add_done_callback(self._clients.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # An OSError here is the client's to report, whose connection ends with it: it trusts
        # another authority, or one of the two is gone.
        with contextlib.suppress(OSError, EOFError):
            first = await self.negotiate(reader, writer)
            server = await asyncio.open_connection(LOOPBACK, self._target_port)
            asked = self.ask_server(first, reader, server[1])
            await asyncio.gather(asked, pass_on(server[0], writer))
        await _close(writer)


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either end is gone; the end of the other direction follows from the close."""
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
