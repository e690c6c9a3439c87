"""Debian packages: fetched through apt's signed index, unpacked into a folder, never installed."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from image.errors import ImageError


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package file, as its name says: name_version_architecture.deb."""

    name: str
    version: str
    architecture: str
    file: Path

    @classmethod
    def of(cls, file: Path) -> "Package":
        """Raises ImageError for a file that is named otherwise."""
        match = re.fullmatch(r"([^_]+)_([^_]+)_([^_]+)\.deb", unquote(file.name))
        if match is None:
            raise ImageError(f"{file} is not named as apt names a package")
        return cls(match[1], match[2], match[3], file)


def fetch(names: Sequence[str], folder: Path) -> list[Package]:
    """The newest of these packages that the signed index names, in this folder and nothing else.

    What is there already is not fetched again. Raises ImageError.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise ImageError("apt-get and dpkg-deb are needed: build on Debian, or with Docker")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = _newest(names)
    missing = [name for name, file in wanted.items() if not (folder / file).exists()]
    if missing:
        _download(missing, folder)
    found = [folder / file for file in wanted.values()]
    absent = [file.name for file in found if not file.exists()]
    if absent:
        raise ImageError(f"apt-get download gave other files than its index named: {absent}")
    return sorted(Package.of(file) for file in found)


def unpack(packages: Iterable[Package], root: Path) -> None:
    """Put their files below `root`, which is made. None of their scripts is run."""
    # dpkg-deb makes the last folder of a path and no other.
    root.mkdir(parents=True, exist_ok=True)
    for package in packages:
        _run(["dpkg-deb", "--extract", str(package.file), str(root)])


def _newest(names: Sequence[str]) -> dict[str, str]:
    """Package name → file name. A list that was never fetched is fetched now, where one may."""
    command = ["apt-get", "download", "--print-uris", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 and os.geteuid() == 0:
        _run(["apt-get", "update", "--quiet"])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ImageError(f"apt knows of no such packages (sudo apt-get update?): {done.stderr}")
    files = re.findall(r"^'\S+' (\S+\.deb) ", done.stdout, re.MULTILINE)
    return {Package.of(Path(file)).name: file for file in files}


def _download(names: Sequence[str], folder: Path) -> None:
    # The user _apt, as whom apt fetches where root calls it, may not write everywhere.
    command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0 and os.geteuid() == 0:
        # An index of last week names versions that a security update has replaced since.
        _run(["apt-get", "update", "--quiet"])
        _run(command, folder)
    elif done.returncode != 0:
        raise ImageError(f"packages could not be fetched (sudo apt-get update?): {done.stderr}")


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ImageError(f"{' '.join(command)}: {done.stderr or done.stdout}")
