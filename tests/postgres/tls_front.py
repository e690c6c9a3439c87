"""TLS in front of a server that was built without it, as the one in the pip wheel is.

It speaks the first bytes of PostgreSQL's protocol
(https://www.postgresql.org/docs/current/protocol-flow.html, "SSL Session Encryption") and passes
the rest on. To the server the connection is a plain one: no channel binding, and pg_stat_ssl
says "f".
"""

import asyncio
import socket
import ssl
import struct
import tempfile

from tests.postgres.certificates import ServerCertificate
from tests.postgres.errors import AddressInUse
from tests.postgres.relay import LOOPBACK, Relay

SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)


class TlsFront(Relay):
    """Listens on a loopback port (a free one unless given)."""

    def __init__(self, certificate: ServerCertificate, target_port: int, *, port: int = 0) -> None:
        """Raises AddressInUse."""
        self._context = _context(certificate)
        try:
            listening = socket.create_server((LOOPBACK, port))
        except OSError as error:
            raise AddressInUse(f"port {port}: {error}") from error
        super().__init__(listening, target_port)

    async def negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Answer the client's wishes for encryption; the first bytes that are not one."""
        while (first := await reader.readexactly(8)) in {SSL_REQUEST, GSSENC_REQUEST}:
            if first == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self._context)
            else:
                writer.write(b"N")
        return first


def _context(certificate: ServerCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:  # the ssl module takes certificates from files only
        file.write(certificate.chain + certificate.key)
        file.flush()
        context.load_cert_chain(file.name)
    return context
