"""kubelet: the node agent."""

import json
from http import HTTPStatus
from pathlib import Path

from image.folders import Workdir
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until
from tests.node.containerd import SOCKET
from tests.node.network import ADDRESS

NAME = "node"
PATH = f"/api/v1/nodes/{NAME}"


class Kubelet:
    """One kubelet, registered as the node `node`."""

    def __init__(self, binary: Path, control_plane: ControlPlane, workdir: Workdir) -> None:
        """Does not start it."""
        self.process = ServerProcess("kubelet", workdir)
        self._binary, self._folder = binary, workdir.path
        self._control_plane = control_plane
        self._config = workdir.path / "kubelet.json"
        self._kubeconfig = control_plane.kubeconfig_for_user(
            f"system:node:{NAME}", ["system:nodes"]
        )

    def start(self) -> None:
        """Start it, again if it has ended; whether the node is ready is another question."""
        self._config.write_text(json.dumps(self._settings()))
        self.process.start(
            [
                self._binary,
                f"--config={self._config}",
                f"--kubeconfig={self._kubeconfig}",
                f"--hostname-override={NAME}",
                f"--node-ip={ADDRESS}",
                f"--root-dir={self._folder / 'kubelet'}",
                f"--cert-dir={self._folder / 'kubelet-pki'}",
            ]
        )

    def wait(self) -> None:
        """Until the node says that it is ready. Raises ServerFailed."""
        wait_until(self._ready, self.process)

    def _ready(self) -> bool:
        answer = self._control_plane.apiserver.client.send("GET", PATH)
        if answer.status != HTTPStatus.OK:  # not registered yet
            return False
        conditions = answer.json()["status"].get("conditions", ())
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def _settings(self) -> object:
        ca_file = str(self._control_plane.ca_file)
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": ADDRESS,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": ca_file},
            },
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "cgroupDriver": "cgroupfs",
            # A cgroup of this node's own, which can be found again and removed.
            "cgroupRoot": f"/{self._folder.name}",
            "failCgroupV1": False,
            # Lower than its own, which takes CAP_SYS_RESOURCE, it cannot set it.
            "oomScoreAdj": 0,
            "failSwapOn": False,
            "clusterDNS": [ADDRESS],
            "clusterDomain": "cluster.local",
            # There is nobody to ask for names of the outside.
            "resolvConf": "",
            # The default is a folder of the system, which it makes.
            "volumePluginDir": str(self._folder / "volume-plugins"),
            # The machine's disk and memory are shared: another's needs are no reason to evict, and
            # an image that was removed could not be pulled again.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "200Mi"},
            "imageGCHighThresholdPercent": 100,
        }
