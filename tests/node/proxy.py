"""kube-proxy: the addresses of Services, in the rules of the namespace's own nftables."""

import json
from pathlib import Path

from image.folders import Workdir
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import ServerProcess
from tests.node.containerd import with_libraries
from tests.node.kubelet import NAME
from tests.node.network import NODE
from tests.node.packages import Programs


class Proxy:
    """One kube-proxy."""

    def __init__(
        self, binary: Path, programs: Programs, control_plane: ControlPlane, workdir: Workdir
    ) -> None:
        """Does not start it."""
        self.process = ServerProcess("kube-proxy", workdir)
        self._binary, self._programs = binary, programs
        self._config = workdir.path / "kube-proxy.json"
        self._kubeconfig = control_plane.kubeconfig_for_user("system:kube-proxy")

    def start(self) -> None:
        """Start it."""
        self._config.write_text(json.dumps(self._settings()))
        self.process.start(
            [*with_libraries(self._programs), self._binary, f"--config={self._config}"]
        )

    def _settings(self) -> object:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "hostnameOverride": NAME,
            "clientConnection": {"kubeconfig": str(self._kubeconfig)},
            "clusterCIDR": str(NODE.network),
            # The sizes of the connection table are the machine's.
            "conntrack": {
                "maxPerCore": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
            "oomScoreAdj": 0,
        }
