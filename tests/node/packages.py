"""containerd, runc, the CNI plugins and nft: the machine's own, else Debian's packages, unpacked.

Nothing is installed: `apt-get download` and `dpkg -x` into the cache.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.cache import cache_root, only_one
from tests.controlplane.progress import say
from tests.node.errors import NodeError

PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "nft")
PLUGINS = ("bridge", "host-local", "loopback", "portmap")
# Where distributions and the upstream archive put the plugins.
PLUGIN_FOLDERS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
# The programs, and those of their libraries that a small system does not have.
PACKAGES = (
    "containerd", "runc", "containernetworking-plugins", "nftables",
    "libnftables1", "libnftnl11", "libxtables12", "libmnl0", "libjansson4", "libseccomp2",
)  # fmt: skip

HOW_TO_GET_THEM = f"""\
The node needs {", ".join(PROGRAMS)} in PATH, and the CNI plugins {", ".join(PLUGINS)} in one of
{", ".join(PLUGIN_FOLDERS)}. Install them (packages containerd, runc, containernetworking-plugins,
nftables), or use a Debian or Ubuntu whose `apt-get download` works: then they are unpacked into the
cache, and nothing is installed."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where they are. `path` and `libraries` come first in PATH and LD_LIBRARY_PATH."""

    path: Sequence[Path]
    libraries: Sequence[Path]
    plugins: Path


def find_programs() -> Programs:
    """The machine's programs if it has all of them, else the unpacked ones.

    Raises NodeError.
    """
    return _installed() or _unpacked(_fetched())


def _installed() -> Programs | None:
    plugins = next((f for f in map(Path, PLUGIN_FOLDERS) if _has_plugins(f)), None)
    if plugins is None or not all(map(shutil.which, PROGRAMS)):
        return None
    return Programs((), (), plugins)


def _has_plugins(folder: Path) -> bool:
    return all((folder / name).exists() for name in PLUGINS)


def _fetched() -> Path:
    """The folder of the unpacked packages, fetched now if it is not there."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NodeError(HOW_TO_GET_THEM)
    # Its lines name each file with its version: a later release is another folder.
    wanted = _apt("download", "--print-uris", *PACKAGES, cwd=Path("/"))
    files = sorted(re.findall(r"^'\S+' (\S+)", wanted, re.MULTILINE))
    digest = hashlib.sha256("\n".join(files).encode()).hexdigest()[:12]
    folder = cache_root() / f"node-packages-{digest}"
    with only_one(folder):
        if not folder.exists():
            say("containerd, runc, CNI plugins, nftables: fetching Debian's packages, once")
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    # As root, apt fetches as a user who could not write here.
    _apt("download", "-o", "APT::Sandbox::User=root", *PACKAGES, cwd=part)
    for package in part.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, part / "root"], check=True)
        package.unlink()
    part.rename(folder)


def _apt(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        ["apt-get", "-qq", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NodeError(
            f"apt-get {' '.join(arguments)}:\n{done.stderr}\n"
            f"If apt has no lists yet: apt-get update.\n{HOW_TO_GET_THEM}"
        )
    return done.stdout


def _unpacked(folder: Path) -> Programs:
    root = folder / "root"
    bins = [root / "usr/sbin", root / "usr/bin"]
    libraries = [f for parent in ("usr/lib", "lib") for f in root.glob(f"{parent}/*-linux-gnu")]
    return Programs(bins, libraries, root / "usr/lib/cni")
