"""containerd, runc, the CNI plugins and nft: the machine's own, else Debian's packages, unpacked.

Nothing is installed: they are kept in the cache, as the image's are.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image.distribution import this_system
from image.errors import ImageError
from image.packages import unpacked
from tests.controlplane.cache import cache_root
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
it needs {", ".join(PROGRAMS)} in PATH, and the CNI plugins
    {", ".join(PLUGINS)} in one of {", ".join(PLUGIN_FOLDERS)}.
    Install them (packages containerd, runc, nftables, containernetworking-plugins, or alike), or
    use a Debian or Ubuntu whose `apt-get download` works: then they are unpacked into the cache,
    and nothing is installed. This machine is"""


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
    return installed() or _unpacked(_fetched())


def installed() -> Programs | None:
    """The machine's own, if it has all of them."""
    plugins = next((f for f in map(Path, PLUGIN_FOLDERS) if _has_plugins(f)), None)
    if plugins is None or not all(map(shutil.which, PROGRAMS)):
        return None
    return Programs((), (), plugins)


def _has_plugins(folder: Path) -> bool:
    return all((folder / name).exists() for name in PLUGINS)


def _fetched() -> Path:
    """The folder of the unpacked packages, fetched now if it is not there. Raises NodeError."""
    cache = cache_root()
    try:
        return unpacked(PACKAGES, cache.parent / "debian", cache / "node-packages")
    except ImageError as error:
        raise NodeError(f"{HOW_TO_GET_THEM} {this_system()}:\n{error}") from error


def _unpacked(root: Path) -> Programs:
    bins = [root / "usr/sbin", root / "usr/bin"]
    libraries = [f for parent in ("usr/lib", "lib") for f in root.glob(f"{parent}/*-linux-gnu")]
    return Programs(bins, libraries, root / "usr/lib/cni")
