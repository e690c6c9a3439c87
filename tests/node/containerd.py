"""containerd: the container runtime, with runc, the bridge network and images from archives."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from image.folders import Workdir
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until
from tests.node.errors import NodeError
from tests.node.network import BRIDGE, NODE
from tests.node.packages import Programs
from tests.node.pause import IMAGE

SOCKET = "/run/containerd/containerd.sock"
PLUGIN = 'plugins."io.containerd.grpc.v1.cri"'

# `address` is already on the bridge: the plugin finds it there and adds a pod's cable. No
# masquerading: the only way out of this network is to the node itself.
NETWORK = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": str(NODE.network), "gateway": str(NODE.ip)}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}


class Containerd:
    """One containerd; all it keeps is in the work folder and in the namespace's /run."""

    def __init__(self, programs: Programs, workdir: Workdir) -> None:
        """Does not start it."""
        self.process = ServerProcess("containerd", workdir)
        self._programs, self._folder = programs, workdir.path
        self._config = workdir.path / "containerd.toml"
        self._networks = workdir.path / "cni"

    def start(self) -> None:
        """Start it, again if it has ended, and wait until it answers. Raises ServerFailed."""
        self._networks.mkdir(exist_ok=True)
        (self._networks / "pods.conflist").write_text(json.dumps(NETWORK))
        self._config.write_text(self._settings())
        self.process.start(
            [*with_libraries(self._programs), "containerd", "--config", self._config]
        )
        wait_until(lambda: self._ctr("version").returncode == 0, self.process)

    def import_image(self, archive: Path) -> Sequence[str]:
        """Take an OCI or Docker archive; the names of the images that came with it.

        Raises NodeError, also where there is none.
        """
        before = self._images()
        done = self._ctr("--namespace", "k8s.io", "images", "import", str(archive))
        if done.returncode != 0:
            raise NodeError(f"{archive} cannot be imported:\n{done.stdout}{done.stderr}")
        # Not by what it says: before containerd 2 that was a line for each, and since then nothing.
        if not (names := sorted(self._images() - before)):
            raise NodeError(f"{archive} brings no image with a name that was not there before")
        return names

    def _images(self) -> set[str]:
        """By name: the runtime interface adds each by its digest, in its own time."""
        listed = self._ctr("--namespace", "k8s.io", "images", "ls", "--quiet")
        if listed.returncode != 0:
            raise NodeError(f"containerd does not list its images:\n{listed.stderr}")
        return {name for name in listed.stdout.split() if "sha256:" not in name}

    def _ctr(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["ctr", "--address", SOCKET, *arguments], capture_output=True, text=True, check=False
        )

    def _settings(self) -> str:
        # A TOML string is quoted as a JSON one.
        return f"""\
version = 2
root = {json.dumps(str(self._folder / "containerd"))}
state = "/run/containerd"
[grpc]
address = "{SOCKET}"
# By default it makes /opt/containerd.
[plugins."io.containerd.internal.v1.opt"]
path = {json.dumps(str(self._folder / "opt"))}
[{PLUGIN}]
sandbox_image = "{IMAGE}"
# Without CAP_SYS_RESOURCE nobody may lower a score below its own, and no pod would start.
restrict_oom_score_adj = true
# The machine's profiles are not in force in here, and hugetlb is often not mounted.
disable_apparmor = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
[{PLUGIN}.containerd]
snapshotter = "overlayfs"
[{PLUGIN}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[{PLUGIN}.containerd.runtimes.runc.options]
SystemdCgroup = false
[{PLUGIN}.cni]
bin_dir = {json.dumps(str(self._programs.plugins))}
conf_dir = {json.dumps(str(self._networks))}
"""


def with_libraries(programs: Programs) -> list[str | Path]:
    """The beginning of a command whose programs find their unpacked libraries."""
    folders = ":".join(map(str, programs.libraries))
    return ["/usr/bin/env", f"LD_LIBRARY_PATH={folders}"] if folders else ["/usr/bin/env"]
