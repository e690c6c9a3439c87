"""Debian packages: fetched through apt's signed index, unpacked into a folder, never installed.

The machine's own index is read and never renewed: that would write to its system folders, and
change what others of it install next.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from image.errors import ImageError
from image.folders import only_one, only_one_in

# 'URI' file size SHA256:hash
_PRINTED: Final = r"^'\S+' (\S+\.deb) ([0-9]+) SHA256:([0-9a-f]{64})$"
_CONFIGURATION: Final = Path("/etc/apt")
_APT: Final = (
    "apt-get",
    # It prints the strongest digest that it has, which is SHA512 on Ubuntu.
    *("-o", "Acquire::ForceHash=SHA256"),
    # The user _apt, as whom apt fetches where root calls it, may not write everywhere.
    *("-o", "APT::Sandbox::User=root"),
    # Else root's apt-get leaves its caches in /var/cache/apt.
    *("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="),
)


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


@dataclass(frozen=True, slots=True)
class Indexed:
    """What apt's signed index says of a file: its name, its size in bytes and its SHA-256."""

    file: str
    size: int
    sha256: str

    def complaint(self, folder: Path) -> str:
        """What is wrong with the file there, or nothing."""
        path = folder / self.file
        if not path.is_file():
            return f"{path} is not there"
        if (size := path.stat().st_size) != self.size:
            return f"{path} has {size} bytes, apt's index says {self.size}"
        if (found := _sha256(path)) != self.sha256:
            return f"{path} has the SHA-256 {found}, apt's index says {self.sha256}"
        return ""


def fetch(names: Sequence[str], folder: Path) -> list[Package]:
    """The newest of these packages that the signed index names, each compared with that index.

    `folder` keeps them from one call to the next: what is there as the index says it is not
    fetched again, and needs no network. Where the machine's index does not do, because it has none
    or one of last week, which names versions that a security update has replaced since, the folder
    gets one of its own. Raises ImageError.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise ImageError("apt-get and dpkg-deb are needed: build on Debian, or with Docker")
    folder.mkdir(parents=True, exist_ok=True)
    with only_one_in(folder):
        wanted = _fetched(names, folder)
    return sorted(Package.of(folder / each.file) for each in wanted)


def unpacked(names: Sequence[str], folder: Path, cache: Path) -> Path:
    """A folder with these packages' files: `cache` and what they are, unpacked now if it is new.

    `folder` as for `fetch`. Raises ImageError.
    """
    packages = fetch(names, folder)
    digest = hashlib.sha256("\n".join(_sha256(package.file) for package in packages).encode())
    root = cache.with_name(f"{cache.name}-{digest.hexdigest()[:12]}")
    with only_one(root):
        if not root.exists():
            part = root.with_name(f".{root.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            unpack(packages, part)
            part.rename(root)
    return root


def unpack(packages: Iterable[Package], root: Path) -> None:
    """Put their files below `root`, which is made. None of their scripts is run."""
    # dpkg-deb makes the last folder of a path and no other.
    root.mkdir(parents=True, exist_ok=True)
    for package in packages:
        _run(["dpkg-deb", "--extract", str(package.file), str(root)])


def _fetched(names: Sequence[str], folder: Path) -> list[Indexed]:
    """By the first index that does: the machine's, the folder's own, that one renewed."""
    lists = folder / ".lists"
    own = (*_APT, "-o", f"Dir::State::lists={lists}")
    indexes = [(_APT, False), *([(own, False)] if lists.exists() else []), (own, True)]
    complaints = []
    for apt, renew in indexes:
        try:
            if renew:
                _renew(lists, apt)
            wanted = _newest(names, apt)
            _complete(wanted, folder, apt)
        except ImageError as error:
            complaints.append(str(error))
        else:
            return wanted
    raise ImageError(f"{complaints[0]}; with an index of today: {complaints[-1]}")


def _renew(lists: Path, apt: Sequence[str]) -> None:
    """Fetch the index into this folder, and nothing else.

    After it apt would run what the machine has for that moment: caches of other programs are made
    anew. So it reads the machine's configuration from here, and forgets that part (apt.conf(5)).
    """
    (lists / "partial").mkdir(parents=True, exist_ok=True)  # apt does not make it
    parts = lists / "apt.conf.d"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    for file in (_CONFIGURATION / "apt.conf.d").glob("*"):
        (parts / file.name).symlink_to(file)
    if (main := _CONFIGURATION / "apt.conf").exists():
        (parts / "zy-main").symlink_to(main)
    hooks = ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
    (parts / "zz-no-hooks").write_text("".join(f"#clear APT::Update::{hook};\n" for hook in hooks))
    first = lists / "apt.conf"
    given = f'#include "{os.environ["APT_CONFIG"]}";\n' if "APT_CONFIG" in os.environ else ""
    first.write_text(f'{given}Dir::Etc::parts "{parts}";\nDir::Etc::main "/dev/null";\n')
    _run([*apt, "update", "--quiet"], APT_CONFIG=str(first))


def _newest(names: Sequence[str], apt: Sequence[str]) -> list[Indexed]:
    """What the index says of each."""
    command = [*apt, "download", "--print-uris", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ImageError(f"apt knows of no such packages (is there a network?): {done.stderr}")
    found = [
        Indexed(file, int(size), sha256)
        for file, size, sha256 in re.findall(_PRINTED, done.stdout, re.MULTILINE)
    ]
    if sorted(Package.of(Path(each.file)).name for each in found) != sorted(names):
        raise ImageError(f"apt does not say the SHA-256 of each package: {done.stdout}")
    return found


def _complete(wanted: Sequence[Indexed], folder: Path, apt: Sequence[str]) -> None:
    """Fetch what is missing, or is not what the index says. Raises ImageError."""
    wrong = {each: said for each in wanted if (said := each.complaint(folder))}
    if not wrong:
        return
    # Under its own name a file is whole, however this ends: it comes from here by a rename.
    part = folder / ".part"
    shutil.rmtree(part, ignore_errors=True)
    # apt may outlive a build that is killed, and write there for another moment.
    part.mkdir(exist_ok=True)
    try:
        missing = [Package.of(Path(each.file)).name for each in wrong]
        words = _download(missing, part, apt)
        for each, said in wrong.items():
            if complaint := each.complaint(part):
                raise ImageError(
                    f"{said}, and apt-get download did not give it (is there a network?): "
                    f"{words or complaint}"
                )
            (part / each.file).replace(folder / each.file)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _download(names: Sequence[str], folder: Path, apt: Sequence[str]) -> str:
    """Fetch what can be fetched; apt's complaint, or nothing."""
    command = [*apt, "download", *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode != 0 else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(command: Sequence[str], **more: str) -> None:
    environment = os.environ | more
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise ImageError(f"{' '.join(command)}: {done.stderr or done.stdout}")
