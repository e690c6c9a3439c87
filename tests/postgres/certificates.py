"""A certificate for a server, with an authority of its own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """All PEM. `authority` is what a client has to trust (libpq's sslrootcert)."""

    authority: bytes
    chain: bytes
    key: bytes

    @classmethod
    def issue(cls, *names: str) -> "ServerCertificate":
        """A new authority and a certificate by it for these host names or addresses.

        Without any, for "localhost" and 127.0.0.1.
        """
        # Here: most servers need no certificate, and it takes 0.1 s to import.
        import trustme

        authority = trustme.CA()
        issued = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        return cls(authority.cert_pem.bytes(), chain, issued.private_key_pem.bytes())
