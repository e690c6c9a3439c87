"""ControlPlane: etcd, kube-apiserver and kube-controller-manager as one thing."""

import atexit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from image.folders import Workdir, remove_stale
from tests.controlplane.apiserver import ApiServer, Identity
from tests.controlplane.audit import audit_events, audit_flags
from tests.controlplane.binaries import Binaries, find_binaries
from tests.controlplane.controller_manager import ControllerManager
from tests.controlplane.etcd import Etcd
from tests.controlplane.kubeconfig import by_certificate, by_token, write_kubeconfig
from tests.controlplane.processes import ServerProcess

# Of the name of its folder.
PREFIX = "archiver-controlplane-"

ServerName = Literal["etcd", "kube-apiserver", "kube-controller-manager"]


class ControlPlane:
    """A running control plane with RBAC on, reachable on loopback only.

    Its servers and its folder end with stop(), at the end of the `with` block, or with this
    process. Not for use by two threads at once.

    >>> with ControlPlane.start("1.37") as control_plane:
    ...     run(control_plane.kubeconfig)
    """

    def __init__(self, binaries: Binaries) -> None:
        """Folder, ports and keys of one that does not run yet; most callers want `start`."""
        self.version = binaries.release
        self._workdir = Workdir.fresh(PREFIX)
        self.workdir = self._workdir.path
        self._binaries = binaries
        self._identity = Identity.create(self.workdir)
        self.ca_file = self._identity.authority.certificate
        self.etcd = Etcd(binaries.etcd, self._workdir)
        self.apiserver = self._new_apiserver("kube-apiserver")
        self.controller_manager = ControllerManager(
            binaries.kube_controller_manager, self._identity, self.apiserver, self._workdir
        )
        self._further_apiservers: list[ApiServer] = []
        self._issued = 0
        self._stopped = False

    @classmethod
    def start(
        cls,
        version: str | None = None,
        *,
        apiserver_flags: Sequence[str] = (),
        controller_manager_flags: Sequence[str] | None = (),
        audit: bool = False,
    ) -> Self:
        """Start the servers of a minor release such as 1.37 and wait until they work.

        By default it is the release that KUBERNETES_VERSION asks for, else the current one. Flags
        are added after ours and win; a feature that is off by default takes two, such as
        `--feature-gates=MutatingAdmissionPolicy=true` and
        `--runtime-config=admissionregistration.k8s.io/v1beta1=true` on 1.34.
        `controller_manager_flags=None` runs no controllers. `audit` records requests for
        `audit_events`.

        Raises UnknownVersion, BinaryMissing, BuildFailed and ServerFailed.
        """
        remove_stale(PREFIX)
        control_plane = cls(find_binaries(version))
        atexit.register(control_plane.stop)
        try:
            control_plane.etcd.start()
            recorded = control_plane._audit_flags() if audit else ()
            control_plane.apiserver.start(
                control_plane.etcd_endpoint, [*recorded, *apiserver_flags]
            )
            if controller_manager_flags is not None:
                control_plane.controller_manager.start(controller_manager_flags)
        except BaseException:  # Ctrl-C too: a half that nobody can stop must not stay
            control_plane.stop()
            raise
        return control_plane

    def stop(self) -> None:
        """Kill the servers and delete the folder. Does nothing the second time."""
        if self._stopped:
            return
        self._stopped = True
        atexit.unregister(self.stop)
        self.controller_manager.stop()
        for apiserver in (*self._further_apiservers, self.apiserver):
            apiserver.discard()
        self.etcd.stop()
        self._workdir.remove()

    def __enter__(self) -> Self:
        """The control plane itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self.apiserver.server

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the administrator (group system:masters)."""
        return self.apiserver.kubeconfig

    @property
    def etcd_endpoint(self) -> str:
        """The URL of etcd."""
        return self.etcd.endpoint

    def processes(self) -> Sequence[ServerProcess]:
        """All servers, also those that were stopped or never started."""
        further = [apiserver.process for apiserver in self._further_apiservers]
        ours = [self.etcd.process, self.apiserver.process, self.controller_manager.process]
        return [*ours, *further]

    def stop_apiserver(self, *, grace: float = 0.0) -> None:
        """End kube-apiserver: SIGTERM, and SIGKILL after `grace` seconds; 0 kills at once.

        It loses nothing by that: what it answered is in etcd. Its orderly end waits for every
        watch, those of the controllers too.
        """
        self.apiserver.stop(grace)

    def start_apiserver(self) -> None:
        """Start it again, with the same etcd, port and flags; ready on return.

        The controllers find it again in their own time: some 10 seconds after a break of 5, half a
        minute after a long one. Who cannot wait calls controller_manager.restart().
        """
        self.apiserver.restart()

    def start_further_apiserver(
        self, etcd_endpoint: str | None = None, flags: Sequence[str] = ()
    ) -> ApiServer:
        """A second kube-apiserver on the same data, with a watch cache of its own.

        Through a proxy as `etcd_endpoint` it can be cut off from etcd alone, and so be made stale.
        """
        further = self._new_apiserver(f"kube-apiserver-{len(self._further_apiservers) + 2}")
        self._further_apiservers.append(further)
        further.start(etcd_endpoint or self.etcd_endpoint, flags)
        return further

    def pause(self, name: ServerName) -> None:
        """SIGSTOP: its connections stay open, nobody answers."""
        self._process(name).pause()

    def resume(self, name: ServerName) -> None:
        """SIGCONT."""
        self._process(name).resume()

    @contextmanager
    def paused(self, name: ServerName) -> Iterator[None]:
        """Paused within the `with` block, and resumed whatever happens in it."""
        self.pause(name)
        try:
            yield
        finally:
            self.resume(name)

    def compact_etcd(self) -> int:
        """Make etcd forget all revisions before the current one, which is returned.

        A continue token then expires, except that a server with the list still in its watch cache
        (1.36 and newer) goes on answering until it is restarted.
        """
        return self.etcd.compact()

    def audit_events(self) -> Iterator[Mapping[str, Any]]:
        """What the API server was asked for so far, if `audit` was on: see audit.audit_events."""
        return audit_events(self.workdir / "audit.log")

    def kubeconfig_for_user(self, name: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a new client certificate of this user in these groups."""
        file = self._next_name("user", name)
        certificate = self._identity.authority.issue_client(file, name, groups)
        return self._write_kubeconfig(file, by_certificate(certificate))

    def kubeconfig_for_service_account(
        self, namespace: str, name: str, duration: timedelta = timedelta(hours=1)
    ) -> Path:
        """A kubeconfig with a new token (TokenRequest) of an existing ServiceAccount.

        The API server refuses less than 10 minutes. Raises ControlPlaneError if it refuses.
        """
        path = f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(name)}/token"
        spec = {"expirationSeconds": int(duration.total_seconds())}
        answer = self.apiserver.client.post(path, {"spec": spec})
        return self._write_kubeconfig(
            self._next_name("service-account", name), by_token(answer["status"]["token"])
        )

    def _new_apiserver(self, name: str) -> ApiServer:
        return ApiServer(name, self._binaries.kube_apiserver, self._identity, self._workdir)

    def _audit_flags(self) -> Sequence[str]:
        return audit_flags(self.workdir / "audit-policy.yaml", self.workdir / "audit.log")

    def _process(self, name: ServerName) -> ServerProcess:
        return next(process for process in self.processes() if process.name == name)

    def _next_name(self, kind: str, name: str) -> str:
        self._issued += 1
        return f"{kind}-{self._issued}-{quote(name, safe='')}"

    def _write_kubeconfig(self, name: str, credentials: Mapping[str, str]) -> Path:
        path = self.workdir / "kubeconfigs" / f"{name}.kubeconfig"
        return write_kubeconfig(path, self.server, self.ca_file, credentials)
