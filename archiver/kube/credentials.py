"""Whose cluster and whose credentials: found as kubectl finds them."""

import os
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from kubernetes.client import Configuration as ClientConfiguration
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

from archiver.errors import Configuration
from archiver.kube.exec_plugin import Asking, Plugin

# The package has no type information.
_Loader: Any = KubeConfigLoader
_Merger: Any = KubeConfigMerger
# The library takes a kubeconfig to be of the right shape.
_OF_A_WRONG_SHAPE = (LookupError, TypeError, ValueError, AttributeError)
_DEFAULT = "~/.kube/config"
_ASKING = Asking()


class Credentials(ClientConfiguration):
    """The library's configuration, and in `ca_cert_data` and here what a kubeconfig itself holds.

    The library would put that into temporary files, a private key too, which stay where a process
    is killed.
    """

    client_certificate: bytes = b""
    client_key: bytes = b""

    @property
    def proxy_is_for_the_outside(self) -> bool:
        """Whether a variable of the environment names the proxy, and no kubeconfig's proxy-url."""
        return bool(self._proxy_from_env)


def load(kubeconfig: str | None, context: str | None, asking: Asking = _ASKING) -> Credentials:
    """The client configuration of a kubeconfig's context, or of the pod this runs in.

    In kubectl's order: `kubeconfig`, the files that KUBECONFIG names, ~/.kube/config if there is
    one, the pod's ServiceAccount. Reads everything anew, token files included, and asks an exec
    plugin once.

    Raises Configuration, whose text holds no credentials, and what `Plugin.ask` raises.
    """
    files = kubeconfig or os.environ.get("KUBECONFIG") or _existing_default()
    configuration = Credentials()
    try:
        if files:
            _load_files(files, context, configuration, asking)
        elif context:
            raise Configuration(f"--context {context} is given, but there is no kubeconfig")
        else:
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        # Its text quotes the lines around, which may hold a token.
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise Configuration(f"kubeconfig {files}{line} is not YAML") from None
    except (config.ConfigException, OSError, *_OF_A_WRONG_SHAPE) as error:
        raise Configuration(_explained(files, error)) from None
    return configuration


def _existing_default() -> str | None:
    path = Path(_DEFAULT).expanduser()
    return str(path) if path.exists() else None


def _load_files(
    files: str, context: str | None, configuration: Credentials, asking: Asking
) -> None:
    merged = _Merger(files).config
    if merged is None:
        raise Configuration(f"kubeconfig {files} does not exist")
    loader = _Loader(merged, active_context=context, config_base_path=None)
    wanted = loader.current_context["context"]
    user, folder = _entry(merged, "users", wanted.get("user"))
    # The library passes over it, and goes on as somebody else.
    if any(key.split("-")[0] == "as" for key in user):
        raise Configuration(
            f"kubeconfig {files}: its user impersonates another one (`as:`), which the Kubernetes "
            "client for Python does not do; use credentials of that other user"
        )
    # Taken out, or the library would ask too. A token that is there comes first.
    config = user.pop("exec", None)
    cluster, _ = _entry(merged, "clusters", wanted.get("cluster"))
    if config is not None and not ({"token", "tokenFile"} & user.keys()):
        user |= Plugin(config, folder, cluster).ask(asking)
    configuration.ca_cert_data = _take_out(cluster, "certificate-authority") or None
    configuration.client_certificate = _take_out(user, "client-certificate")
    configuration.client_key = _take_out(user, "client-key")
    loader.load_and_set(configuration)


def _take_out(entry: dict[str, Any], what: str) -> bytes:
    """What the entry itself holds, which comes before a file that it names; else empty."""
    data = entry.pop(f"{what}-data", None)
    if not data:
        return b""
    entry.pop(what, None)
    try:
        return b64decode(data)
    except ValueError as error:
        raise Configuration(f"the kubeconfig's {what}-data is no base64: {error}") from None


def _entry(merged: Any, kind: str, name: str | None) -> tuple[dict[str, Any], str]:
    """What the library's loader reads of a name, and the folder of the file that it is in."""
    for entry in merged.value.get(kind) or ():
        if entry["name"] == name:
            return entry.value.get(kind[:-1]) or {}, str(Path(entry.path).absolute().parent)
    return {}, ""


def _explained(files: str | None, error: Exception) -> str:
    if not files:
        return (
            "no cluster to talk to: give --kubeconfig, set KUBECONFIG, create ~/.kube/config, or "
            f"run in a pod with a ServiceAccount ({error})"
        )
    if isinstance(error, (TypeError, AttributeError)):
        # Python's words for what the library did with it.
        return f"{files} is no kubeconfig: a mapping of clusters, contexts and users is expected"
    # The library names an entry by all that is in it, a token included.
    text = re.sub(r"\{.*\}", "{…}", str(error), flags=re.DOTALL)
    return f"kubeconfig {files}: {text}"
