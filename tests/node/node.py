"""Node: containerd, kubelet, kube-scheduler, kube-proxy and CoreDNS beside a control plane."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from image.folders import Workdir
from tests.controlplane.build import build as build_kubernetes
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.errors import ServerFailed
from tests.controlplane.processes import ServerProcess
from tests.controlplane.versions import Version, minor_of, resolve
from tests.node.build import build
from tests.node.containerd import Containerd
from tests.node.dns import Dns
from tests.node.kubelet import Kubelet
from tests.node.network import ADDRESS
from tests.node.packages import Programs
from tests.node.pause import write_archive
from tests.node.proxy import Proxy
from tests.node.scheduler import Scheduler

# The API server as pods and the kubelet meet it: at the node's address, which may be an endpoint
# of the Service `kubernetes`, as loopback may not.
APISERVER_FLAGS = (
    "--bind-address=0.0.0.0",
    f"--advertise-address={ADDRESS}",
    "--endpoint-reconciler-type=master-count",
    "--kubelet-preferred-address-types=InternalIP",
)
PIDS = "pids.json"
SERVERS = ("kubelet", "kube-scheduler", "kube-proxy")


def build_servers(version: Version) -> None:
    """Build what is not built yet. Raises BuildFailed and BinaryMissing."""
    for name in SERVERS:
        build_kubernetes(name, version)
    for name in ("coredns", "pause"):
        build(name)


class Node:
    """A node, started inside of its namespaces; it ends with them."""

    def __init__(self, control_plane: ControlPlane, programs: Programs, folder: Path) -> None:
        """Does not start it."""
        workdir = Workdir(folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        version = resolve(minor_of(control_plane.version))
        kubelet, scheduler, proxy = (build_kubernetes(name, version) for name in SERVERS)
        self._folder, self._control_plane = folder, control_plane
        self.containerd = Containerd(programs, workdir)
        self.kubelet = Kubelet(kubelet, control_plane, workdir)
        self.scheduler = Scheduler(scheduler, control_plane, workdir)
        self.proxy = Proxy(proxy, programs, control_plane, workdir)
        self.dns = Dns(build("coredns"), control_plane, workdir)

    @classmethod
    def start(cls, control_plane: ControlPlane, programs: Programs, folder: Path) -> Self:
        """Start all of it and wait until it takes pods. Raises ServerFailed and NodeError."""
        node = cls(control_plane, programs, folder)
        node.containerd.start()
        node.containerd.import_image(write_archive(folder / "pause.tar"))
        for server in (node.kubelet, node.scheduler, node.proxy, node.dns):
            server.start()
        node.kubelet.wait()
        return node

    def processes(self) -> list[ServerProcess]:
        """Its servers."""
        servers = (self.containerd, self.kubelet, self.scheduler, self.proxy, self.dns)
        return [server.process for server in servers]

    def tend(self) -> None:
        """Start containerd and the kubelet again if they ended, as the machine's init would.

        Raises ServerFailed if another server ended, one of the control plane too.
        """
        ended = [s for s in (self.containerd, self.kubelet) if not s.process.running]
        for server in ended:
            server.start()
        if ended:
            self.record_processes()
        others = (self.scheduler.process, self.proxy.process, self.dns.process)
        # First what the others cannot do without: its end is the reason, should they have followed.
        for process in (*self._control_plane.processes(), *others):
            process.check()

    def record_processes(self) -> None:
        """Write down what `restart` kills."""
        pids = {}
        for process in (self.containerd.process, self.kubelet.process):
            with suppress(ServerFailed):  # it is being killed: the next turn starts it again
                pids[process.name] = process.pid
        (self._folder / PIDS).write_text(json.dumps(pids))
