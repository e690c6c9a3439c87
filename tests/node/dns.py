"""CoreDNS: the names of Services, as pods ask for them."""

from pathlib import Path

from image.folders import Workdir
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until
from tests.node.network import ADDRESS
from tests.postgres.relay import LOOPBACK

READY = 8181


class Dns:
    """One CoreDNS, as a server of the node; no pod, since there is no registry to pull it from."""

    def __init__(self, binary: Path, control_plane: ControlPlane, workdir: Workdir) -> None:
        """Does not start it."""
        self.process = ServerProcess("coredns", workdir)
        self._binary = binary
        self._config = workdir.path / "Corefile"
        # An administrator's: rights of its own would be a ClusterRole that is in no real cluster.
        self._kubeconfig = control_plane.kubeconfig_for_user("coredns", ["system:masters"])

    def start(self) -> None:
        """Start it and wait until it knows the cluster. Raises ServerFailed."""
        self._config.write_text(
            f".:53 {{\n bind {ADDRESS}\n errors\n ready {LOOPBACK}:{READY}\n"
            f" kubernetes cluster.local {{\n  kubeconfig {self._kubeconfig}\n }}\n}}\n"
        )
        self.process.start([self._binary, "-conf", self._config])
        wait_until(_ready, self.process)


def _ready() -> bool:
    import urllib.request

    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{READY}/ready", timeout=5):
            return True
    except OSError:
        return False
