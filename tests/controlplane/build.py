"""One server, built from the Go module that pins its release."""

import os
import subprocess
import time
from pathlib import Path

from image.folders import only_one
from tests.controlplane.cache import binaries_folder
from tests.controlplane.errors import BuildFailed
from tests.controlplane.progress import say
from tests.controlplane.toolchain import find_go, go_release
from tests.controlplane.versions import Version

# What a first build takes on two cores, in the order in which it is cheapest: the later ones find
# most of their packages compiled.
DURATION = {
    "etcd": "a minute",
    "kube-apiserver": "4 minutes",
    "kube-controller-manager": "2 minutes",
    "kubectl": "half a minute",
    "kube-scheduler": "half a minute",
    "kube-proxy": "half a minute",
    "kubelet": "a minute",
}
REPORTED = "k8s.io/component-base/version"


def build(name: str, version: Version) -> Path:
    """The path of this server's binary in the cache, built now if it is not there.

    Raises BuildFailed, and BinaryMissing where there is no Go to build it with.
    """
    folder = binaries_folder(version)
    binary = folder / name
    if binary.exists():
        return binary
    with only_one(folder):
        if not binary.exists():
            folder.mkdir(exist_ok=True)
            _compile(version, binary)
    return binary


def go_environment() -> dict[str, str]:
    """The environment for `go`: reproducible, and blind to a workspace around this repository."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        # Go refuses to run without a place for its caches; a service has no HOME at times.
        "HOME": str(Path.home()),
    }


def _compile(version: Version, binary: Path) -> None:
    go = find_go(version.go)
    what = f"{binary.name} (Kubernetes {version.release})"
    say(f"{what}: building with Go {go_release(go)}, about {DURATION[binary.name]}, once")
    started = time.monotonic()
    # Renamed when it is whole: an interrupted build leaves no half that looks like a binary.
    part = binary.with_name(f".{binary.name}.part")
    part.unlink(missing_ok=True)
    done = subprocess.run(
        [go, "build", f"-modfile={version.modfile}", "-trimpath",
         # Without it, go asks git, which refuses in a folder of another user.
         "-buildvcs=false",
         f"-ldflags={_ldflags(version)}", "-o", part, f"./{binary.name}"],
        cwd=version.modfile.parent.parent,
        env=go_environment(),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildFailed(f"{what} could not be built:\n{done.stdout}{done.stderr}")
    part.rename(binary)
    say(f"{what}: built in {time.monotonic() - started:.0f} s, kept in {binary.parent}")


def _ldflags(version: Version) -> str:
    # The names that Kubernetes' own build sets (hack/lib/version.sh). Unset, clients would be told
    # v0.0.0-master+$Format:%H$.
    major, minor = version.minor.split(".")
    variables = {
        "gitVersion": f"v{version.release}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "",
    }
    return " ".join(
        ["-s -w", *(f"-X {REPORTED}.{name}={text}" for name, text in variables.items())]
    )
