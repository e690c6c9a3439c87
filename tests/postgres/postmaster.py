"""One postmaster on a data directory: started, ready, signalled, gone."""

import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Literal

from tests.postgres import process
from tests.postgres.data_directory import DataDirectory
from tests.postgres.errors import AddressInUse, PostgresError

# Seconds. Recovery after a crash is part of a start.
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
POLL = 0.01

ShutdownMode = Literal["smart", "fast", "immediate"]

# As pg_ctl maps them: wait for the clients; disconnect them; leave without a checkpoint.
SIGNALS = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


class Postmaster:
    """The first process of a server, a child of this one."""

    def __init__(self, directory: DataDirectory, port: int) -> None:
        self.directory = directory
        self.port = port
        self.log = directory.folder.path / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises PostgresError where it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise PostgresError("the server does not run")
        return self._process.pid

    @property
    def crashed(self) -> bool:
        """Whether it is gone without having cleaned up: its lock file is still there."""
        return not self.running and self._lock_file.exists()

    def start(self) -> None:
        """Start it and return as soon as it accepts connections.

        Call it in the main thread: the server ends with the thread that started it (see
        `process.spawn`). Raises AddressInUse, PostgresError with the end of the log.
        """
        _require_main_thread()
        try:
            self._start_within(START_TIMEOUT)
        except BaseException:
            self.stop("immediate")
            raise

    def restart(self, mode: ShutdownMode) -> None:
        """Stop it if it runs, and start it. Raises like `stop` and `start`."""
        _require_main_thread()
        self.stop(mode)
        self.start()

    def stop(self, mode: ShutdownMode) -> None:
        """Shut it down and wait for its end. No-op if it is not running.

        Raises PostgresError if it takes longer than STOP_TIMEOUT, as "smart" does with clients.
        """
        if self._process is None:
            return
        self._process.send_signal(SIGNALS[mode])
        self.wait(STOP_TIMEOUT)

    def kill(self) -> None:
        """SIGKILL: it cleans up nothing. Its backends notice and follow by themselves."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def retire(self) -> None:
        """End it for good, leaving nothing behind in the kernel either.

        A killed server leaves shared memory, which only its next start removes.
        """
        if self.crashed:
            self.start()
        self.stop("immediate")

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; its exit status. Raises PostgresError after `timeout` seconds."""
        if self._process is None:
            raise PostgresError("the server was not started")
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise PostgresError(f"still running after {timeout} s:\n{self.log_tail()}") from error

    def log_tail(self, *, start: int = 0) -> str:
        """The last lines of the log that come after `start` (bytes)."""
        lines = self.log.read_bytes()[start:].decode(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    def _start_within(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (problem := self._try_to_start(deadline)) is not None:
            if "could not create any TCP/IP sockets" in problem:
                raise AddressInUse(f"port {self.port}:\n{problem}")
            # The backends of a postmaster that was killed live on for a moment.
            busy = "pre-existing shared memory block" in problem
            if not busy or time.monotonic() > deadline:
                raise PostgresError(f"the server does not start:\n{problem}")
            time.sleep(10 * POLL)

    def _try_to_start(self, deadline: float) -> str | None:
        """None once it is ready, else what it wrote before it ended."""
        start = self.log.stat().st_size if self.log.exists() else 0
        command: list[str | Path] = [
            self.directory.postgres,
            "-D",
            self.directory.path,
            "-p",
            str(self.port),
        ]
        self._process = process.spawn(command, self.directory.folder, self.log)
        while not self._ready(self._process.pid):
            if self._process.poll() is not None:
                return self.log_tail(start=start)
            if time.monotonic() > deadline:
                return f"not ready in time\n{self.log_tail(start=start)}"
            time.sleep(POLL)
        return None

    def _ready(self, pid: int) -> bool:
        """What pg_ctl looks at: the first line of the lock file is the pid, the eighth its state.

        A file that is being written, or was left by a killed server, has other lines.
        """
        try:
            lines = self._lock_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    @property
    def _lock_file(self) -> Path:
        return self.directory.path / "postmaster.pid"


def _require_main_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise PostgresError("only the main thread starts servers: they end with their thread")
