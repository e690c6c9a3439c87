"""What pods send to PostgreSQL, as the network between sees it: encrypted, or in clear."""

import asyncio
import socket

from tests.postgres.relay import Relay
from tests.postgres.tls_front import SSL_REQUEST

# A TLS record of the handshake, which a ClientHello is (RFC 8446, section 5.1).
HANDSHAKE = b"\x16\x03"


class Wire(Relay):
    """Passes connections on and keeps how each of them began, as soon as its client has said so.

    The server's own word (pg_stat_ssl) is not enough: the one in the wheel has no SSL, and a server
    of ours in front of it has.
    """

    def __init__(self, listening: socket.socket, target_port: int) -> None:
        """See Relay."""
        self.encrypted: list[bool] = []
        super().__init__(listening, target_port)

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Nothing of our own: listen only."""
        return await reader.readexactly(len(SSL_REQUEST))

    async def ask_server(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """A wish for TLS is followed by a handshake, or by a start in clear where it was denied."""
        encrypted = False
        if first == SSL_REQUEST:
            writer.write(first)
            first = await reader.read(1 << 16)
            encrypted = first.startswith(HANDSHAKE)
        if first:  # else the client has gone
            self.encrypted.append(encrypted)
        await super().ask_server(first, reader, writer)
