"""kube-apiserver: one server in front of one etcd."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image.folders import Workdir
from tests.controlplane.client import Client
from tests.controlplane.kubeconfig import by_certificate, write_kubeconfig
from tests.controlplane.pki import Authority, Certificate, write_signing_key
from tests.controlplane.ports import LOOPBACK, Port
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until

SERVICE_NETWORK = "10.0.0.0/24"
SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc",
                 "kubernetes.default.svc.cluster.local")  # fmt: skip
HOSTS = (*SERVICE_NAMES, "localhost", LOOPBACK, "10.0.0.1")


@dataclass(frozen=True, slots=True)
class Identity:
    """What the API servers of one control plane share: whom they trust and what they prove."""

    authority: Authority
    serving: Certificate
    admin: Certificate
    signing_key: Path

    @classmethod
    def create(cls, folder: Path) -> "Identity":
        """Make all of it, as files in this folder."""
        authority = Authority(folder)
        return cls(
            authority,
            authority.issue_server("kube-apiserver", HOSTS),
            authority.issue_client("admin", "admin", ["system:masters"]),
            write_signing_key(folder / "service-accounts.key"),
        )


class ApiServer:
    """A kube-apiserver, and its administrator's client and kubeconfig."""

    def __init__(self, name: str, binary: Path, identity: Identity, workdir: Workdir) -> None:
        """Does not start it. `name` tells it from others of the same control plane."""
        self.process = ServerProcess(name, workdir)
        self._binary, self._identity = binary, identity
        self._port = Port()
        self._arguments: Sequence[str] = ()
        self.server = f"https://{LOOPBACK}:{self._port}"
        ca_file = identity.authority.certificate
        self.client = Client(self.server, ca_file, identity.admin)
        self.kubeconfig = write_kubeconfig(
            workdir.path / f"{name}.kubeconfig", self.server, ca_file,
            by_certificate(identity.admin),
        )  # fmt: skip

    def start(self, etcd_endpoint: str, flags: Sequence[str] = ()) -> None:
        """Start it and wait until /readyz says yes. `flags` come last and win.

        Raises ServerFailed.
        """
        self._arguments = (f"--etcd-servers={etcd_endpoint}", *flags)
        self.restart()

    def restart(self) -> None:
        """Start it, after its end if it runs, with the arguments and on the port of before.

        Raises ServerFailed.
        """
        self.stop()
        self.process.start([self._binary, *self._flags(), *self._arguments])
        wait_until(lambda: self.client.answers("/readyz"), self.process)

    def stop(self, grace: float = 0.0) -> None:
        """End it: SIGTERM, and SIGKILL after `grace` seconds. The port stays reserved."""
        self.process.stop(grace)
        self.client.close()

    def discard(self) -> None:
        """Kill it and let its port go."""
        self.stop()
        self._port.release()

    def _flags(self) -> Sequence[str]:
        identity = self._identity
        return (
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self._port}",
            # Endpoints of the service `kubernetes` may not be on loopback, so none are written.
            f"--advertise-address={LOOPBACK}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={identity.serving.certificate}",
            f"--tls-private-key-file={identity.serving.key}",
            f"--client-ca-file={identity.authority.certificate}",
            # How it asks kubelets, where there are any: for logs and commands in pods.
            f"--kubelet-client-certificate={identity.admin.certificate}",
            f"--kubelet-client-key={identity.admin.key}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={identity.signing_key}",
            f"--service-account-signing-key-file={identity.signing_key}",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--profiling=false",
        )
