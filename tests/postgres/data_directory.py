"""The data directory: initdb, and the server's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import process
from tests.postgres.binaries import Installation
from tests.postgres.certificates import ServerCertificate
from tests.postgres.errors import PostgresError
from tests.postgres.folder import Folder

SUPERUSER = "postgres"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    # initdb takes as much as it may, up to 128MB; many servers share a machine here.
    "shared_buffers": "32MB",
    # Else the zone of the machine: a test must give the same on all of them.
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# A committed transaction may be lost, and a crash may leave the data unreadable.
NOT_DURABLE: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """What initdb made, who runs it and with which programs."""

    installation: Installation
    folder: Folder

    @property
    def path(self) -> Path:
        """PGDATA."""
        return self.folder.path / "data"

    @property
    def postgres(self) -> Path:
        """The server program."""
        return self.installation.bin / "postgres"

    @property
    def socket_folder(self) -> Path:
        """The folder of the unix socket."""
        return self.folder.path

    def configure(self, settings: Mapping[str, str]) -> None:
        """Append to postgresql.conf, where the last word counts.

        Not on the command line, which ALTER SYSTEM could not overrule.
        """
        lines = (f"{name} = {_quoted(value)}\n" for name, value in settings.items())
        with (self.path / "postgresql.conf").open("a") as file:
            file.writelines(lines)

    def supports_ssl(self) -> bool:
        """Whether this PostgreSQL was built with SSL, by its own word."""
        asked: list[str | Path] = [self.postgres, "-D", self.path, "-C", "ssl", "-c", "ssl=on"]
        done = process.run(asked, self.folder)
        if done.returncode == 0:
            return True
        if "SSL is not supported by this build" in done.stderr:
            return False
        raise PostgresError(f"{self.postgres} does not say whether it has SSL:\n{done.stderr}")

    def use_certificate(self, certificate: ServerCertificate) -> None:
        """Let the server offer SSL with this certificate."""
        self.configure(
            {
                "ssl": "on",
                "ssl_cert_file": str(self.folder.write("server.crt", certificate.chain)),
                "ssl_key_file": str(self.folder.write("server.key", certificate.key)),
            }
        )


def initdb(installation: Installation, folder: Folder, *, password: str) -> DataDirectory:
    """Make a data directory whose superuser has this password, asked for on every way in.

    Raises PostgresError with the words of initdb.
    """
    directory = DataDirectory(installation, folder)
    # By file: arguments can be read by every account of the machine.
    password_file = folder.write("superuser-password", password.encode())
    command: list[str | Path] = [
        installation.bin / "initdb",
        f"--pgdata={directory.path}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # The one locale that every machine has; its order is that of the bytes.
        "--no-locale",
        # The default from 18 on; after a kill -9 a torn page is to be seen in the older ones too.
        "--data-checksums",
        # A directory that is not yet used needs no protection from a power failure.
        "--no-sync",
    ]
    process.check(command, folder)
    password_file.unlink()
    directory.configure({**SETTINGS, "unix_socket_directories": str(directory.socket_folder)})
    return directory


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
