"""Server processes that can be stopped, paused and started again, and that end with this one."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from image.folders import Workdir
from tests.controlplane.errors import ServerFailed

LAUNCH = Path(__file__).with_name("launch.py")
# etcd reads ETCD_*, and proxies are for the outside: a server gets only what it cannot do without.
PASSED_ON = ("HOME", "PATH", "TMPDIR")
TAIL = 30  # lines

# The kernel's death signal follows the *thread* that started a process (prctl(2)). A test may well
# start a server from a timer's thread: this one lives as long as the interpreter.
_starter = ThreadPoolExecutor(1, thread_name_prefix="controlplane")


class ServerProcess:
    """One server: a command, its log, and a process while it runs.

    The process ends with this one, on Linux even if this one is killed; elsewhere whoever made it
    has to stop it.
    """

    def __init__(self, name: str, workdir: Workdir) -> None:
        """`name` is for messages and for the log's file name."""
        self.name = name
        self.log = workdir.path / f"{name}.log"
        self._workdir = workdir
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether there is a process that has not ended; a paused one runs in this sense."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises ServerFailed if it does not run."""
        return self._running().pid

    def start(self, command: Sequence[str | Path]) -> None:
        """Start it; whether it is ready is another question. Raises ServerFailed if it runs."""
        if self.running:
            raise ServerFailed(f"{self.name} runs already")
        self._process = _starter.submit(self._spawn, command).result()

    def stop(self, grace: float = 10.0) -> None:
        """End it with SIGTERM, after `grace` seconds with SIGKILL; 0 kills at once."""
        if not self.running:
            return
        process = self._running()
        if grace:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # a paused one would not notice
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        process.kill()
        process.wait()
        self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nobody answers.

        Raises ServerFailed if it does not run.
        """
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT. Raises ServerFailed if it does not run."""
        self._running().send_signal(signal.SIGCONT)

    def failed(self, what: str) -> ServerFailed:
        """An error about this server, which ends with the last lines of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        except FileNotFoundError:
            lines = []
        tail = "\n".join(f"  {line}" for line in lines) or "  (empty)"
        return ServerFailed(f"{self.name} {what}. The end of its log:\n{tail}")

    def check(self) -> None:
        """Raises ServerFailed if it ended by itself."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise self.failed(f"ended with {code}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise self.failed("does not run")
        return self._process

    def _spawn(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), *command],
                cwd=self._workdir.path,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._workdir.lock,),
                # Ctrl-C in a terminal reaches every process of its group. Who started the servers
                # stops them, after the last request.
                start_new_session=True,
            )
