"""A PostgreSQL server of one's own, in a fresh folder, gone without a trace afterwards."""

import atexit
import contextlib
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from tests.postgres.account import unprivileged_account
from tests.postgres.binaries import Installation, find_installation
from tests.postgres.certificates import ServerCertificate
from tests.postgres.data_directory import NOT_DURABLE, SUPERUSER, DataDirectory, initdb
from tests.postgres.errors import AddressInUse
from tests.postgres.folder import Folder
from tests.postgres.installation_copy import within_reach
from tests.postgres.postmaster import Postmaster, ShutdownMode
from tests.postgres.tls_front import TlsFront

LOOPBACK = "127.0.0.1"
AUTHORITY = "authority.crt"
PORT_ATTEMPTS = 5


class PostgresServer:
    """A running server. `start` makes one; a context manager that ends with `close`."""

    def __init__(
        self,
        postmaster: Postmaster,
        password: str,
        front: TlsFront | None,
        undo: contextlib.ExitStack,
    ) -> None:
        self._postmaster = postmaster
        self._password = password
        self._undo = undo
        self.port = front.port if front else postmaster.port
        self.installation = postmaster.directory.installation
        self.log = postmaster.log
        self.socket_folder = postmaster.directory.socket_folder
        self.authority = postmaster.directory.folder.path / AUTHORITY
        """What a client has to trust (sslrootcert), where the server has a certificate."""
        atexit.register(self.close)

    @classmethod
    def start(
        cls,
        installation: Installation | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        ssl: ServerCertificate | None = None,
        durable: bool = True,
        port: int = 0,
        parent: Path | None = None,
    ) -> Self:
        """Make a data directory and start a server on it; on return it accepts connections.

        `settings` go to postgresql.conf. `durable=False` switches fsync and its like off: a commit
        takes 0.1 ms instead of 0.3 ms, and the archiver refuses to store there. `port` is a free
        one unless given. `parent` holds the fresh folder, by default the system's folder for
        temporary files; `folder.memory_folder` is faster.

        Only the main thread can start servers (see `process.spawn`). Raises PostgresNotFound,
        AddressInUse, PostgresError.
        """
        installation = installation or find_installation()
        password = secrets.token_urlsafe(16)
        with contextlib.ExitStack() as undo:
            folder = Folder.fresh(parent, unprivileged_account())
            undo.callback(folder.remove)
            directory = initdb(within_reach(installation, folder), folder, password=password)
            directory.configure({**({} if durable else NOT_DURABLE), **(settings or {})})
            front_for = _offer_ssl(directory, ssl) if ssl else None
            postmaster = _start(directory, 0 if front_for else port)
            undo.callback(postmaster.retire)
            front = TlsFront(front_for, postmaster.port, port=port) if front_for else None
            if front:
                undo.callback(front.close)
            kept = undo.pop_all()
        return cls(postmaster, password, front, kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def url(
        self,
        database: str = "postgres",
        user: str = SUPERUSER,
        password: str | None = None,
        *,
        host: str = LOOPBACK,
        **parameters: str,
    ) -> str:
        """A libpq URI. `parameters` are libpq's (sslmode, application_name, …).

        `host` is a name, an address, or `str(server.socket_folder)`. Without a password the URI
        has none.
        """
        who = quote(user, safe="")
        if password is not None:
            who += ":" + quote(password, safe="")
        where = f"{host}:{self.port}"
        if host.startswith("/"):
            # As a parameter: not every reader of such URIs takes an escaped path for a host.
            where, parameters = "", {"host": host, "port": str(self.port), **parameters}
        query = "?" + urlencode(parameters, quote_via=quote) if parameters else ""
        return f"postgresql://{who}@{where}/{quote(database, safe='')}{query}"

    def superuser_url(self, database: str = "postgres", **parameters: str) -> str:
        """A libpq URI of the superuser, with the password."""
        return self.url(database, SUPERUSER, self._password, **parameters)

    @property
    def running(self) -> bool:
        """Whether its postmaster is there."""
        return self._postmaster.running

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises PostgresError where it does not run."""
        return self._postmaster.pid

    def stop(self, mode: ShutdownMode = "fast") -> None:
        """Shut the server down; its data stay, for `restart`."""
        self._postmaster.stop(mode)

    def kill(self) -> None:
        """SIGKILL the postmaster; its data stay as they are, for `restart`."""
        self._postmaster.kill()

    def restart(self, mode: ShutdownMode = "fast") -> None:
        """Shut the server down if it runs, and start it on the same port."""
        self._postmaster.restart(mode)

    def wait(self) -> int:
        """Wait until the server ends, whoever ends it; its exit status."""
        return self._postmaster.wait()

    def close(self) -> None:
        """End the server and delete its folder. A second call does nothing."""
        atexit.unregister(self.close)
        self._undo.close()


def _offer_ssl(directory: DataDirectory, ssl: ServerCertificate) -> ServerCertificate | None:
    """Let the server offer SSL; where it was built without, return what its front has to offer."""
    directory.folder.write(AUTHORITY, ssl.authority)
    if not directory.supports_ssl():
        return ssl
    directory.use_certificate(ssl)
    return None


def _start(directory: DataDirectory, port: int) -> Postmaster:
    """Start a postmaster on this port, or on a free one if it is 0."""
    for attempts_left in reversed(range(PORT_ATTEMPTS)):
        postmaster = Postmaster(directory, port or _free_port())
        try:
            postmaster.start()
        except AddressInUse:
            # Between the question for a free port and its use, somebody else may take it.
            if port or not attempts_left:
                raise
        else:
            return postmaster
    raise AssertionError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
