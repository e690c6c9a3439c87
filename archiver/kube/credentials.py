"""Whose cluster and whose credentials: found as kubectl finds them."""

import os
import re
from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from kubernetes.client import Configuration as ClientConfiguration
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

from archiver.errors import Configuration

# The package has no type information.
_Loader: Any = KubeConfigLoader
_Merger: Any = KubeConfigMerger
# The library takes a kubeconfig to be of the right shape.
_OF_A_WRONG_SHAPE = (LookupError, TypeError, ValueError, AttributeError)
_DEFAULT = "~/.kube/config"


def load(kubeconfig: str | None, context: str | None) -> ClientConfiguration:
    """The client configuration of a kubeconfig's context, or of the pod this runs in.

    In kubectl's order: `kubeconfig`, the files that KUBECONFIG names, ~/.kube/config if there is
    one, the pod's ServiceAccount. Reads everything anew, exec plugins and token files included.

    Raises Configuration, whose text holds no credentials.
    """
    files = kubeconfig or os.environ.get("KUBECONFIG") or _existing_default()
    configuration = ClientConfiguration()
    try:
        if files:
            _load_files(files, context, configuration)
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


def _load_files(files: str, context: str | None, configuration: ClientConfiguration) -> None:
    merged = _Merger(files).config
    if merged is None:
        raise Configuration(f"kubeconfig {files} does not exist")
    loader = _Loader(merged, active_context=context, config_base_path=None)
    loader.load_and_set(configuration)
    _require_what_was_asked_for(_user(merged, loader.current_context), files, configuration)


def _user(merged: Any, context: dict[str, Any]) -> dict[str, Any]:
    name = context["context"].get("user")
    entries = (getattr(entry, "value", entry) for entry in merged.value.get("users") or ())
    return next((entry.get("user") or {} for entry in entries if entry.get("name") == name), {})


def _require_what_was_asked_for(
    user: dict[str, Any], files: str, configuration: ClientConfiguration
) -> None:
    """The library passes over both of these, and goes on as somebody else."""
    if any(key.split("-")[0] == "as" for key in user):
        raise Configuration(
            f"kubeconfig {files}: its user impersonates another one (`as:`), which the Kubernetes "
            "client for Python does not do; use credentials of that other user"
        )
    if "exec" in user and not (configuration.api_key or configuration.cert_file):
        command = user["exec"].get("command", "?")
        raise Configuration(f"kubeconfig {files}: the exec plugin {command} gave no credentials")


def _explained(files: str | None, error: Exception) -> str:
    if not files:
        return (
            "no cluster to talk to: give --kubeconfig, set KUBECONFIG, create ~/.kube/config, or "
            f"run in a pod with a ServiceAccount ({error})"
        )
    # The library names an entry by all that is in it, a token included.
    text = re.sub(r"\{.*\}", "{…}", str(error), flags=re.DOTALL)
    return f"kubeconfig {files}: {text}"
