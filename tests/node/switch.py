"""PostgreSQL on and off, by a file: to see a database fail, and come back with all it had."""

import sys
from pathlib import Path

from tests.postgres.errors import PostgresError
from tests.postgres.server import PostgresServer

ENDED = """\
PostgreSQL has ended by itself. To start it again, the second line once it is said to be off:

  touch {file}
  rm {file}
"""


class Switch:
    """The server is to run where `file` is not there.

    A file, because whoever turns it off is outside of the namespaces, in which the server is.
    """

    def __init__(self, server: PostgresServer, file: Path) -> None:
        """The server runs."""
        self._server, self.file = server, file
        self._off = False
        self._known_dead = False

    def tend(self) -> bool:
        """Do what the file says, in the main thread; always True: the visit goes on."""
        off = self.file.exists()
        if off != self._off:
            self._off = off
            self._turn(off=off)
        elif not (self._server.running or self._known_dead):
            self._known_dead = True
            _complain(ENDED.format(file=self.file))
        return True

    def _turn(self, *, off: bool) -> None:
        self._known_dead = True
        try:
            if off:
                self._server.stop()
            else:
                self._server.restart()
                self._known_dead = False
        except PostgresError as error:
            _complain(f"PostgreSQL: {error}\n")
            return
        sys.stdout.write(f"PostgreSQL is {'off' if off else 'on'}\n")
        sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
