"""kube-controller-manager: the garbage collector, namespaces, Jobs, CronJobs and the rest."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from image.folders import Workdir
from tests.controlplane.apiserver import ApiServer, Identity
from tests.controlplane.kubeconfig import by_certificate, write_kubeconfig
from tests.controlplane.processes import ServerProcess
from tests.controlplane.readiness import wait_until

USER = "system:kube-controller-manager"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


class ControllerManager:
    """A kube-controller-manager with all controllers that are on by default.

    Its garbage collector looks for new kinds every 30 seconds; where it has to know a new custom
    resource at once, restart() it.
    """

    def __init__(
        self, binary: Path, identity: Identity, apiserver: ApiServer, workdir: Workdir
    ) -> None:
        """Does not start it."""
        self.process = ServerProcess("kube-controller-manager", workdir)
        self._binary, self._identity, self._apiserver = binary, identity, apiserver
        self._arguments: Sequence[str] = ()
        self._volume_plugins = workdir.path / "volume-plugins"
        self._kubeconfig = write_kubeconfig(
            workdir.path / "kube-controller-manager.kubeconfig",
            apiserver.server,
            identity.authority.certificate,
            by_certificate(identity.authority.issue_client("kube-controller-manager", USER)),
        )

    def start(self, flags: Sequence[str] = ()) -> None:
        """Start it and wait until it makes ServiceAccounts and collects garbage.

        `flags` come last and win. Raises ServerFailed.
        """
        self._arguments = flags
        self.restart()

    def restart(self) -> None:
        """Start it, after its end if it runs, with the flags of before. Raises ServerFailed."""
        self.stop()
        self.process.start([self._binary, *self._flags(), *self._arguments])
        wait_until(self._makes_accounts, self.process)
        orphan = self._orphan()
        wait_until(lambda: not self._apiserver.client.answers(orphan), self.process)

    def stop(self, grace: float = 0.0) -> None:
        """End it: SIGTERM, and SIGKILL after `grace` seconds; 0 kills at once."""
        self.process.stop(grace)

    def _flags(self) -> Sequence[str]:
        return (
            f"--kubeconfig={self._kubeconfig}",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self._identity.signing_key}",
            f"--root-ca-file={self._identity.authority.certificate}",
            # There is only one, and a lease would hold a restarted one back for 15 seconds.
            "--leader-elect=false",
            # It serves nothing that is needed here: one port and one certificate less.
            "--secure-port=0",
            # The default is a folder of the system, which it makes.
            f"--flex-volume-plugin-dir={self._volume_plugins}",
            # By default it sends 20 requests a second, so that a cascade of thousands takes
            # minutes: a limit for the sake of many controllers, not part of what they do.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        )

    def _makes_accounts(self) -> bool:
        # No Pod can be made in a namespace before its ServiceAccount "default".
        return self._apiserver.client.answers("/api/v1/namespaces/default/serviceaccounts/default")

    def _orphan(self) -> str:
        # Nothing that it serves tells when the garbage collector has seen every kind and begins.
        # An object whose owner does not exist does: it has to go.
        name = f"orphan-{uuid4()}"
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": str(uuid4())}
        metadata = {"name": name, "ownerReferences": [owner]}
        self._apiserver.client.post(CONFIG_MAPS, {"metadata": metadata})
        return f"{CONFIG_MAPS}/{name}"
