"""PostgreSQL on and off, by a file: to see a database fail, and come back with all it had."""

import sys
from pathlib import Path

from tests.postgres.errors import PostgresError
from tests.postgres.server import PostgresServer


class Switch:
    """The server is to run where `file` is not there.

    A file, because whoever turns it off is outside of the namespaces, in which the server is.
    """

    def __init__(self, server: PostgresServer, file: Path) -> None:
        """The server runs."""
        self._server, self.file = server, file
        self._off = False

    def tend(self) -> bool:
        """Do what the file says, in the main thread; always True: the visit goes on."""
        off = self.file.exists()
        if off != self._off:
            self._off = off
            try:
                self._turn(off=off)
            except PostgresError as error:
                sys.stderr.write(f"PostgreSQL: {error}\n")
        return True

    def _turn(self, *, off: bool) -> None:
        if off:
            self._server.stop()
        else:
            self._server.restart()
        sys.stdout.write(f"PostgreSQL is {'off' if off else 'on'}\n")
        sys.stdout.flush()
