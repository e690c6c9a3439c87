"""The keys and certificates of one control plane, as PEM files that only their owner can read."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=365)
# A clock that is set back while the servers run must not make a certificate "not yet valid".
BACKDATED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority that both sides of every connection trust.

    trustme would do for servers, but knows only one organization per certificate, and Kubernetes
    takes a client's groups from its organizations.
    """

    def __init__(self, folder: Path) -> None:
        """Make one; its certificate and all that it issues are files in this folder."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("controlplane", ())
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True,
            content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            self._builder(self._name, self._key.public_key(), is_authority=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = write_private(folder / "ca.crt", _pem(certificate))

    def issue_server(self, name: str, hosts: Sequence[str]) -> Certificate:
        """A certificate for a server with these host names and addresses."""
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        return self._issue(name, _name(name, ()), ExtendedKeyUsageOID.SERVER_AUTH, names)

    def issue_client(self, name: str, user: str, groups: Sequence[str] = ()) -> Certificate:
        """A certificate that Kubernetes reads as this user in these groups.

        The common name is the user, each organization a group
        (https://kubernetes.io/docs/reference/access-authn-authz/authentication/).
        """
        return self._issue(name, _name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self, name: str, subject: x509.Name, usage: x509.ObjectIdentifier,
        *extensions: x509.ExtensionType,
    ) -> Certificate:  # fmt: skip
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, key.public_key(), is_authority=False)
        for extension in (x509.ExtendedKeyUsage([usage]), *extensions):
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Certificate(
            write_private(self._folder / f"{name}.crt", _pem(certificate)),
            write_private(self._folder / f"{name}.key", _pem_key(key)),
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        # Both key identifiers: from 3.13 on Python's default checks insist on them (RFC 5280).
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.BasicConstraints(is_authority, path_length=None), critical=True)
            .add_extension(own, critical=False)
            .add_extension(issuer, critical=False)
        )


def write_signing_key(path: Path) -> Path:
    """A new key that signs (private part) and checks (public part) ServiceAccount tokens."""
    return write_private(path, _pem_key(ec.generate_private_key(ec.SECP256R1())))


def write_private(path: Path, content: bytes) -> Path:
    """Write a new file that only its owner can read. Raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path


def _name(common_name: str, organizations: Sequence[str]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        # SEC 1: of PKCS #8, kube-apiserver reads no elliptic curve key to check tokens with.
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
