"""What a machine must be for a node to run on it."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from image.distribution import require, this_system
from image.errors import ImageError
from tests.controlplane.cache import cache_root
from tests.node import cgroups
from tests.node.errors import NodeError
from tests.node.janitor import REPOSITORY
from tests.node.mounts import VAR, overlay
from tests.node.packages import HOW_TO_GET_THEM, installed

# Laid over, or made private, inside: what lies there would be out of reach.
COVERED = ("/var", "/run", "/dev/shm")  # noqa: S108 - nothing is written there

# Of the path: a Unix socket's has 107 characters at most (unix(7)), and the kubelet's are in
# archiver-node-0123456789abcdef/kubelet/pod-resources/1234567890 below it.
LONGEST = 107 - 64

# Called before the distribution's packages are there, or from none of them → Debian's package.
PROGRAMS = {"unshare": "util-linux", "mount": "mount", "true": "coreutils"}

PLAIN = re.compile("[A-Za-z0-9./_-]+")

TAKE_IT = """\
then docker save --output image.tar kubernaut-archiver:VERSION, and the same target of make with
    IMAGE=image.tar"""


def check_needs(*, build_image: bool = False) -> None:
    """Raises NodeError with everything that this machine lacks, not only the first.

    `build_image`: the image is not there yet, and is to be built here as well.
    """
    missing = [*_missing(), *_not_to_be_had(build_image=build_image)]
    if missing:
        lines = "\n".join(f"  - {line}" for line in missing)
        raise NodeError(
            f"A Kubernetes node cannot run here:\n{lines}\n"
            "Where Docker runs, `make e2e-kind` does the same; for a cluster that exists, see "
            "CONTRIBUTING.md."
        )


def _missing() -> list[str]:
    if sys.platform != "linux":
        return [f"it needs Linux (namespaces, cgroups), this is {sys.platform}"]
    missing = []
    if os.geteuid() != 0:
        missing.append("it needs root (namespaces, mounts, cgroups), and gives none of it back")
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        missing.append("it needs a 64-bit system")
    missing += [
        f"it needs the program {program} (package {package})"
        for program, package in PROGRAMS.items()
        if shutil.which(program) is None
    ]
    if not Path("/sys/fs/cgroup").is_mount():
        missing.append("it needs cgroups, version 1 or 2, below /sys/fs/cgroup")
    if not missing:
        missing += _forbidden()
    folder = Path(tempfile.gettempdir())
    missing += [*_of_the_folder(folder), *_out_of_reach()]
    return missing or _not_to_be_laid_over(folder)


def _out_of_reach() -> list[str]:
    """What the node's servers are started from, where the node covers it."""
    needed = {
        "this checkout": REPOSITORY,
        "its Python": Path(sys.prefix),
        "the cache (XDG_CACHE_HOME)": cache_root(),
    }
    return [
        f"{name} cannot be in {path}, which the node covers: move it to another file system"
        for name, path in needed.items()
        if _is_covered(path)
    ]


def _is_covered(path: Path) -> bool:
    here = path.resolve()
    if not here.is_relative_to(VAR):
        return any(here.is_relative_to(covered) for covered in COVERED)
    # /var itself can be seen through what is laid over it, and no other file system below it.
    while not here.exists():
        here = here.parent
    return here.stat().st_dev != VAR.stat().st_dev


def _of_the_folder(given: Path) -> list[str]:
    """What is wrong with the folder for temporary files."""
    here, missing = given.resolve(), []
    if any(here.is_relative_to(covered) for covered in COVERED):
        missing.append(
            f"its folder cannot be in {here}, which the node covers: set TMPDIR to another, such "
            "as /tmp, with 2 GB of space that everybody may pass"
        )
    if len(str(given)) > LONGEST:
        missing.append(
            f"its folder cannot be in {given}, whose path has {len(str(given))} characters: set "
            f"TMPDIR to one of at most {LONGEST}, such as /tmp, since sockets are to be in it"
        )
    if not PLAIN.fullmatch(str(given)):
        missing.append(
            f"its folder cannot be in {str(given)!r}: set TMPDIR to a path of letters, digits and "
            "./_- alone, such as /tmp, since mount options and a shell's lines are to hold it"
        )
    return missing


def _not_to_be_laid_over(folder: Path) -> list[str]:
    """Some file systems take no overlay, another overlay for one; found out by trying."""
    try:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            attempt = ["unshare", "--mount", "mount", *overlay(VAR, Path(scratch))]
            tried = subprocess.run(attempt, capture_output=True, text=True, check=False)
    except OSError as error:
        return [f"its folder cannot be in {folder}: {error}"]
    if tried.returncode == 0:
        return []
    return [
        f"{VAR} cannot be laid over with files in {folder}, which is in a container's own root, "
        "mostly: set TMPDIR to a volume or a tmpfs, with 2 GB of space that everybody may pass\n"
        f"{tried.stderr.strip()}"
    ]


def _not_to_be_had(*, build_image: bool) -> list[str]:
    """What comes from the distribution; looked for now, and fetched after minutes of building."""
    missing = []
    if sys.platform == "linux" and not (installed() or shutil.which("apt-get")):
        missing.append(f"{HOW_TO_GET_THEM} {this_system()}")
    if build_image:
        try:
            require()
        except ImageError as error:
            missing.append(f"{error}, {TAKE_IT}")
    return missing


def _forbidden() -> list[str]:
    """What root itself is refused, as in most containers; found out by trying."""
    refused = []
    attempt = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    tried = subprocess.run(attempt, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        refused.append(f"it needs to make namespaces (CAP_SYS_ADMIN): {tried.stderr.strip()}")
    for hierarchy in cgroups.hierarchies():
        probe = hierarchy / f"archiver-needs-{os.getpid()}"
        try:
            probe.mkdir()
            probe.rmdir()
        except OSError as error:
            refused.append(f"it needs to make cgroups: {error}")
            break
    lacking = cgroups.not_handed_on()
    if lacking and cgroups.cannot_be_handed_on():
        refused.append(
            f"it needs the cgroup controllers {', '.join(lacking)}, and cannot have them in this "
            "container: start it with the machine's cgroup namespace (docker run --cgroupns=host)"
        )
    return refused
