"""What the image takes from Debian: an interpreter and what it cannot do without. No shell."""

import platform
import shutil
from pathlib import Path
from typing import Final

from image.errors import ImageError

OS_RELEASE: Final = Path("/etc/os-release")
CODENAME: Final = "bookworm"
DISTRO: Final = "debian-12"  # the same, as package URLs say it
PYTHON: Final = "python3.11"

# Declared, not resolved: what the packages say they depend on includes a shell, perl and dpkg, for
# the scripts of an installation that never takes place. Tests find every library that is missing.
PACKAGES: Final = (
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libc6",
    "gcc-12-base",  # the licence of the next and of libstdc++6
    "libgcc-s1",  # unwinding in extension modules written in Rust
    "libstdc++6",  # and in C++
    "libssl3",
    "libexpat1",
    "zlib1g",
    "libbz2-1.0",
    "liblzma5",
    "libffi8",
    "libuuid1",
    "libcrypt1",
    "ca-certificates",  # API servers and databases behind a public authority
    "tzdata",  # times come back from PostgreSQL in the server's zone
)

# Extension modules whose libraries are left out: terminals, databases of other kinds, NIS. Without
# the file, importing them fails with ModuleNotFoundError, which libraries know how to take.
UNSUPPORTED: Final = ("_curses", "_curses_panel", "_dbm", "_gdbm", "_sqlite3", "nis", "readline")

# Never read by a process that prints English: 8 MB of character sets, and manuals.
UNREAD: Final = (
    "usr/lib/*/gconv",
    "usr/lib/*/perl-base",
    "usr/share/man",
    "usr/share/lintian",
    "usr/share/applications",
    "usr/share/pixmaps",
    "usr/share/binfmts",
    "usr/share/zoneinfo/right",
    "usr/share/zoneinfo/posix",
    "usr/share/zoneinfo/localtime",  # a link to a choice that nobody makes here
    "usr/share/gdb",
    "usr/share/gcc",  # for gdb as well
    "usr/sbin",
    "usr/share/ca-certificates",  # one file of all of them is kept
    "usr/share/libc-bin",
    "sbin",
    "etc/init.d",
    "etc/ld.so.conf.d",
    "usr/lib/python3*/pydoc_data",  # what help() prints to a person at a prompt
    "usr/lib/python3*/test",  # of the interpreter itself
    # A hook for a program that is not there, run at each start: a link to /etc, which is that of
    # the machine during a build. By its whole name it is not found where it leads nowhere.
    "usr/lib/python3*/sitecustomize.*",
    "etc/python3*",
)

# What builds the image, beside Python → the package that has it. Small systems lack some of them.
_PROGRAMS: Final = {"apt-get": "apt", "dpkg-deb": "dpkg", "setpriv": "util-linux"}

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's, as OCI and Debian both name it. Raises ImageError for any other."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise ImageError(
            f"images are built for {', '.join(_ARCHITECTURES.values())}, not {machine}"
        )
    return _ARCHITECTURES[machine]


def require(os_release: Path = OS_RELEASE) -> None:
    """Raises ImageError where apt would give packages of another release, no image is built for
    this machine, or a program is missing.
    """
    if _fields(os_release).get("VERSION_CODENAME") != CODENAME:
        raise ImageError(
            f"the image is made of packages of Debian 12 ({CODENAME}), and this machine is "
            f"{this_system(os_release)}: build it with Docker instead (make image DOCKER=docker)"
        )
    architecture()
    missing = [f"{name} (package {of})" for name, of in _PROGRAMS.items() if not shutil.which(name)]
    if missing:
        raise ImageError(
            f"building the image needs {', '.join(missing)}: install it, or build it with Docker "
            "instead (make image DOCKER=docker)"
        )


def this_system(os_release: Path = OS_RELEASE) -> str:
    """The name of the machine's distribution, as it gives it itself."""
    return _fields(os_release).get("PRETTY_NAME") or f"{platform.system()} without {os_release}"


def _fields(os_release: Path) -> dict[str, str]:
    """os-release(5)."""
    text = os_release.read_text(encoding="utf-8") if os_release.exists() else ""
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name: value.strip("\"'") for name, _, value in lines}
