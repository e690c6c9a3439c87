"""Where the servers come from: KUBEBUILDER_ASSETS, else the cache folder, else a Go build."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.build import build
from tests.controlplane.errors import BinaryMissing
from tests.controlplane.progress import say
from tests.controlplane.versions import known_versions, minor_of, requested_minor, resolve

ASSETS = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The three servers. `release` is that of kube-apiserver, such as 1.37.2."""

    release: str
    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path


def find_binaries(version: str | None = None, environ: Mapping[str, str] = os.environ) -> Binaries:
    """The servers of a minor release such as 1.37; by default of KUBERNETES_VERSION.

    KUBEBUILDER_ASSETS (the variable of Kubernetes' envtest) comes first, unless it holds another
    minor than the one asked for. What is in no folder is built, which takes minutes, once.

    Raises UnknownVersion, BinaryMissing and BuildFailed.
    """
    minor = requested_minor(version, environ)
    assets = environ.get(ASSETS)
    if assets:
        release = assets_release(Path(assets))
        if minor in (None, minor_of(release)):
            return _from_assets(Path(assets), release)
        say(f"{ASSETS} holds Kubernetes {release}, {minor} is asked for: not used")
    pinned = resolve(minor)
    return Binaries(
        pinned.release,
        build("etcd", pinned),
        build("kube-apiserver", pinned),
        build("kube-controller-manager", pinned),
    )


def assets_release(assets: Path) -> str:
    """Which release the kube-apiserver in this folder is, such as 1.37.2.

    Raises BinaryMissing where etcd or kube-apiserver are not there or do not run.
    """
    for name in ("etcd", "kube-apiserver"):
        if not os.access(assets / name, os.X_OK):
            raise BinaryMissing(
                f"{ASSETS} is {assets}, where there is no {name} to run. "
                f"Unset it to have the servers built here ({', '.join(known_versions())}), "
                "or fill the folder: setup-envtest use 1.X --bin-dir ..."
            )
    done = subprocess.run(
        [assets / "kube-apiserver", "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"v(\d+\.\d+\.\S+)", done.stdout)
    if found is None:
        raise BinaryMissing(f"{assets}/kube-apiserver --version: {done.stdout}{done.stderr}")
    return found[1]


def controller_manager_minor(apiserver: str) -> str:
    """The pinned minor whose kube-controller-manager may serve an API server of this minor.

    The same, or the one before: "not newer than the kube-apiserver, … expected to match, but may
    be up to one minor version older" (https://kubernetes.io/releases/version-skew-policy/).
    Raises BinaryMissing.
    """
    major, minor = (int(number) for number in apiserver.split("."))
    for candidate in (f"{major}.{minor}", f"{major}.{minor - 1}"):
        if candidate in known_versions():
            return candidate
    raise BinaryMissing(
        f"{ASSETS} has no kube-controller-manager (envtest does not ship one), and none that fits "
        f"Kubernetes {apiserver} is pinned here. Put that release's binary beside the others, or "
        f"unset {ASSETS} to have all servers built here ({', '.join(known_versions())})"
    )


def _from_assets(assets: Path, release: str) -> Binaries:
    controller_manager = assets / "kube-controller-manager"
    if not os.access(controller_manager, os.X_OK):
        pinned = resolve(controller_manager_minor(minor_of(release)))
        say(f"{assets} has no kube-controller-manager: taking our own {pinned.release}")
        controller_manager = build("kube-controller-manager", pinned)
    return Binaries(release, assets / "etcd", assets / "kube-apiserver", controller_manager)
