"""A cluster that tests run against: a control plane of our own, or one that exists."""

import base64
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import yaml
from kubernetes import client, config

from tests.controlplane.kubeconfig import by_token, write_kubeconfig


class Cluster(Protocol):
    """What every test may count on. Whoever stops servers needs a ControlPlane."""

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of an administrator."""

    @property
    def server(self) -> str:
        """The URL of the API server."""

    @property
    def version(self) -> str:
        """The release of the API server, such as 1.37.2."""

    def kubeconfig_for_service_account(
        self, namespace: str, name: str, duration: timedelta = ...
    ) -> Path:
        """A kubeconfig with a new token (TokenRequest) of an existing ServiceAccount."""


class ExistingCluster:
    """A cluster that somebody else started, such as kind, seen through its kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        """The current context counts. Raises what the `kubernetes` package raises."""
        self.kubeconfig = kubeconfig
        self._folder = tempfile.TemporaryDirectory(prefix="archiver-cluster-")
        self._cluster = _current_cluster(kubeconfig)
        load = config.new_client_from_config
        self._api: client.ApiClient = load(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]
        self.server: str = self._cluster["server"]
        self.version: str = client.VersionApi(self._api).get_code().git_version.removeprefix("v")

    def kubeconfig_for_service_account(
        self, namespace: str, name: str, duration: timedelta = timedelta(hours=1)
    ) -> Path:
        """See Cluster. Raises kubernetes.client.ApiException if the server refuses."""
        # No audiences: the API server's own.
        spec = client.V1TokenRequestSpec(
            audiences=[], expiration_seconds=int(duration.total_seconds())
        )
        api = client.CoreV1Api(self._api)
        answer = api.create_namespaced_service_account_token(
            name, namespace, client.AuthenticationV1TokenRequest(spec=spec)
        )
        token = (answer.status and answer.status.token) or ""
        path = Path(self._folder.name, f"{namespace}-{name}.kubeconfig")
        return write_kubeconfig(path, self.server, self._ca_file(), by_token(token))

    def close(self) -> None:
        """Close connections and delete the kubeconfigs that were made; the cluster stays."""
        self._api.close()  # type: ignore[no-untyped-call]
        self._folder.cleanup()

    def _ca_file(self) -> Path:
        if "certificate-authority" in self._cluster:
            # Relative paths are relative to the kubeconfig's folder.
            return self.kubeconfig.parent / str(self._cluster["certificate-authority"])
        ca_file = Path(self._folder.name, "ca.crt")
        ca_file.write_bytes(base64.b64decode(self._cluster["certificate-authority-data"]))
        return ca_file


def _current_cluster(kubeconfig: Path) -> dict[str, Any]:
    content = yaml.safe_load(kubeconfig.read_text())
    context = _named(content["contexts"], content["current-context"])["context"]
    cluster: dict[str, Any] = _named(content["clusters"], context["cluster"])["cluster"]
    return cluster


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
