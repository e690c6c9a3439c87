"""The folder that keeps what was built: binaries by release and by what they were made from."""

import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.controlplane.versions import Version


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Below XDG_CACHE_HOME, or ~/.cache (XDG Base Directory Specification)."""
    # "All paths set in these environment variables must be absolute": others are ignored.
    base = Path(environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        base = Path.home() / ".cache"
    return base / "kubernaut-archiver" / "controlplane"


def binaries_folder(version: Version, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the binaries of this release are kept, once built from the module as it is now."""
    return cache_root(environ) / f"{version.release}-{_digest(version)[:12]}"


def _digest(version: Version) -> str:
    # The platform too: a home folder can be shared by machines that cannot run each other's files.
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}\n".encode())
    sums = version.modfile.with_suffix(".sum")
    mains = sorted(version.modfile.parent.parent.glob("*/main.go"))
    for file in (version.modfile, sums, *mains):
        digest.update(f"{file.parent.name}/{file.name} {file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
