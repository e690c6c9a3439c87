"""TLS in front of a server that was built without it, as the one in the pip wheel is.

It speaks the first bytes of PostgreSQL's protocol
(https://www.postgresql.org/docs/current/protocol-flow.html, "SSL Session Encryption") and passes
the rest on. To the server the connection is a plain one: no channel binding, and pg_stat_ssl
says "f".
"""

import asyncio
import contextlib
import ssl
import struct
import tempfile
import threading

from tests.postgres.certificates import ServerCertificate
from tests.postgres.errors import AddressInUse

SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)

SHUT_TIMEOUT = 10  # seconds


class TlsFront:
    """Listens on a loopback port (a free one unless given) in its own thread until closed."""

    def __init__(self, certificate: ServerCertificate, target_port: int, *, port: int = 0) -> None:
        """Raises AddressInUse."""
        self._context = _context(certificate)
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        try:
            self._server = self._loop.run_until_complete(
                asyncio.start_server(self._connected, "127.0.0.1", port)
            )
        except OSError as error:
            self._loop.close()
            raise AddressInUse(f"port {port}: {error}") from error
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="tls-front", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Cut all connections and stop listening."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(SHUT_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

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
            first = await self._negotiate(reader, writer)
            server = await asyncio.open_connection("127.0.0.1", self._target_port)
            server[1].write(first)
            await asyncio.gather(_pass_on(reader, server[1]), _pass_on(server[0], writer))
        await _close(writer)

    async def _negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer the client's wishes for encryption; the first bytes that are not one."""
        while (first := await reader.readexactly(8)) in {SSL_REQUEST, GSSENC_REQUEST}:
            if first == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self._context)
            else:
                writer.write(b"N")
        return first


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


def _context(certificate: ServerCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:  # the ssl module takes certificates from files only
        file.write(certificate.chain + certificate.key)
        file.flush()
        context.load_cert_chain(file.name)
    return context
