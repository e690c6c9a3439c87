"""The PostgreSQL that deploy/config.yaml names, as pods reach it: outside of the cluster, behind a
Service, with TLS and passwords.

It runs on this machine. `address` is one of this machine that pods can reach: the node's bridge,
kind's network, or whatever a cluster elsewhere is given.
"""

import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg.sql import SQL, Identifier, Literal

from tests.manifests import OURS
from tests.node.errors import NodeError
from tests.node.kubectl import Kubectl
from tests.node.wire import Wire
from tests.postgres.certificates import ServerCertificate
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer
from tests.postgres.sql import execute

NAMESPACE, NAME, PORT = "kubernaut-system", "postgresql", 5432
# Those that deploy/networkpolicy.yaml lets pods reach: some networks look at the port behind the
# Service, not at the Service's.
REACHABLE = (PORT, 6432)
# The variable by which a person says another address.
ADDRESS = "ARCHIVER_TEST_DATABASE_ADDRESS"
OTHERWISE = (
    f"End what listens there (ss -ltnp), or set {ADDRESS} to another address of this machine that "
    "pods reach. Where Docker runs in a virtual machine (Docker Desktop) or without root, gateways "
    "of its networks are none of this machine's: take the machine's address in its own network"
)
HOST = f"{NAME}.{NAMESPACE}.svc"
DATABASE = "kubernaut_audit"
OWNER, WRITER = "archiver_owner", "archiver"
SERVICE_NAMESPACE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": NAMESPACE, "labels": OURS},
}

Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True)
class Archive:
    """The server, and what its users know."""

    server: PostgresServer
    authority: str
    passwords: Mapping[str, str]
    wire: Wire

    @property
    def url(self) -> str:
        """A libpq URI of the superuser, for this machine."""
        return self.server.superuser_url(DATABASE)


@contextmanager
def archive(kubectl: Kubectl, address: str) -> Iterator[Archive]:
    """Start the server, prepare it as README.md says, and put the Service in front of it."""
    certificate = ServerCertificate.issue(HOST, "localhost", "127.0.0.1")
    with PostgresServer.start(ssl=certificate, parent=memory_folder()) as server:
        wire = _listen(address, server.port)
        try:
            kubectl.apply(_service(wire.address, wire.port))
            yield Archive(server, certificate.authority.decode(), _prepare(server), wire)
        finally:
            wire.close()


def check_address(address: str) -> None:
    """Raises NodeError where PostgreSQL for pods could not listen."""
    _at_a_port(address, lambda port: socket.create_server((address, port)).close())


def _listen(address: str, target_port: int) -> Wire:
    return _at_a_port(address, lambda port: Wire.listen(address, target_port, port=port))


def _at_a_port(address: str, take: Callable[[int], Taken]) -> Taken:
    errors = []
    for port in REACHABLE:
        try:
            return take(port)
        except OSError as error:
            errors.append(f"port {port}: {error.strerror}")
    raise NodeError(
        f"PostgreSQL for pods cannot listen on {address}, {', '.join(errors)}. {OTHERWISE}"
    )


def _prepare(server: PostgresServer) -> dict[str, str]:
    """README.md, "Install", step 1, with passwords."""
    passwords = {user: secrets.token_urlsafe(24) for user in (OWNER, WRITER)}
    url = server.superuser_url()
    for group in ("archiver_writer", "archiver_reader"):
        execute(url, SQL("CREATE ROLE {} NOLOGIN").format(Identifier(group)))
    for user, password in passwords.items():
        create = SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        execute(url, create.format(Identifier(user), Literal(password)))
    execute(url, SQL("GRANT archiver_writer TO {}").format(Identifier(WRITER)))
    create = SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0")
    execute(url, create.format(Identifier(DATABASE), Identifier(OWNER)))
    return passwords


def _service(address: str, port: int) -> list[dict[str, Any]]:
    """A Service without a selector, and the one endpoint that it has."""
    named = {"name": NAME, "namespace": NAMESPACE}
    return [
        SERVICE_NAMESPACE,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": named,
            "spec": {"ports": [{"name": "postgresql", "port": PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**named, "labels": {"kubernetes.io/service-name": NAME}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address]}],
            "ports": [{"name": "postgresql", "port": port}],
        },
    ]
