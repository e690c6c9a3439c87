"""kube-scheduler: which pod goes to which node, even where there is only one."""

from pathlib import Path

from image.folders import Workdir
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import ServerProcess


class Scheduler:
    """One kube-scheduler."""

    def __init__(self, binary: Path, control_plane: ControlPlane, workdir: Workdir) -> None:
        """Does not start it."""
        self.process = ServerProcess("kube-scheduler", workdir)
        self._binary = binary
        self._kubeconfig = control_plane.kubeconfig_for_user("system:kube-scheduler")

    def start(self) -> None:
        """Start it."""
        self.process.start(
            [
                self._binary,
                f"--kubeconfig={self._kubeconfig}",
                "--leader-elect=false",
                # It serves nothing that is needed here.
                "--secure-port=0",
            ]
        )
