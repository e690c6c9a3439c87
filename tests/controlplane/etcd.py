"""etcd: one member, on loopback."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from image.folders import Workdir
from tests.controlplane.ports import LOOPBACK, Port
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until

TIMEOUT = 10.0  # seconds


class Etcd:
    """The store of one control plane.

    Without TLS and without users: whoever can connect to this machine's loopback can read it.
    Nothing but the data of tests may ever be in it.
    """

    def __init__(self, binary: Path, workdir: Workdir) -> None:
        """Does not start it."""
        self.process = ServerProcess("etcd", workdir)
        self._binary = binary
        self._data = workdir.path / "etcd"
        self._client_port, self._peer_port = Port(), Port()
        self.endpoint = f"http://{LOOPBACK}:{self._client_port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerFailed."""
        peer = f"http://{LOOPBACK}:{self._peer_port}"
        self.process.start(
            [
                self._binary,
                f"--data-dir={self._data}",
                f"--listen-client-urls={self.endpoint}",
                f"--advertise-client-urls={self.endpoint}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                # The data ends with the process; a killed one loses nothing, only a machine would.
                "--unsafe-no-fsync",
                "--log-level=warn",
            ]
        )
        wait_until(self._healthy, self.process)

    def stop(self, grace: float = 0.0) -> None:
        """End it after `grace` seconds at the latest and let its ports go."""
        self.process.stop(grace)
        self._client_port.release()
        self._peer_port.release()

    def compact(self) -> int:
        """Forget all revisions before the current one, which is returned.

        Raises OSError (urllib.error.URLError) where etcd does not answer.
        """
        # An empty range costs nothing; what counts is the header. int64 is text in JSON.
        header = self._call("kv/range", {"key": "AA=="})["header"]
        self._call("kv/compaction", {"revision": header["revision"], "physical": True})
        return int(header["revision"])

    def _call(self, method: str, message: object) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the URL is ours
            f"{self.endpoint}/v3/{method}", json.dumps(message).encode()
        )
        with _opener.open(request, timeout=TIMEOUT) as response:
            return json.load(response)

    def _healthy(self) -> bool:
        try:
            with _opener.open(f"{self.endpoint}/health", timeout=TIMEOUT) as response:
                return bool(json.load(response)["health"] == "true")
        except OSError:
            return False


# Without the proxies of the environment: they are for the outside.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
