"""Packages are what apt's signed index says, whatever lies in the folder that keeps them."""

import hashlib
import os
from pathlib import Path

import pytest

from image import packages
from image.errors import ImageError
from image.packages import fetch, unpacked
from tests.node import packages as node
from tests.node.errors import NodeError

NAME, FILE = "libx", "libx_1%3a2-3_amd64.deb"
GOOD = b"the package"
# apt: the machine's index, a pool that may be out of reach, and an `update` that brings the next
# index into the folder that it is told.
APT = """#!/bin/sh
cd_into=$PWD; cd "${0%/*}"; echo "$@" >> called
lists=$PWD
for word; do case $word in Dir::State::lists=*) lists=${word#*=} ;; esac; done
case "$*" in
  *ForceHash=SHA256*--print-uris*) cat "$lists/index" ;;
  *--print-uris*) sed s/SHA256:.*/SHA512:00/ "$lists/index" ;;
  *download*) test -d pool || { echo "E: Failed to fetch" >&2; exit 100; }; cp pool/* "$cd_into" ;;
  *update*)
    test -d "$lists/partial" && test -d pool || { echo "E: not updated" >&2; exit 100; }
    if test -f next; then cp next "$lists/index"; fi
    cp "$APT_CONFIG" configured ;;
esac
"""
WRITTEN = ("called", "configured")
# What it unpacks is the package file itself.
DPKG_DEB = '#!/bin/sh\ncp "$2" "$3/content"\n'


class Apt:
    """A stand-in for the machine's, in PATH."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        for name, text in (("apt-get", APT), ("dpkg-deb", DPKG_DEB)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.names(GOOD)
        (folder / "pool").mkdir()
        (folder / "pool" / FILE).write_bytes(GOOD)

    def names(self, content: bytes, index: str = "index", file: str = FILE) -> None:
        digest = hashlib.sha256(content).hexdigest()
        line = f"'http://localhost/{file}' {file} {len(content)} SHA256:{digest}\n"
        (self.folder / index).write_text(line)

    def goes_offline(self) -> None:
        (self.folder / "pool").rename(self.folder / "away")

    def files(self) -> dict[str, bytes]:
        files = (path for path in self.folder.iterdir() if path.is_file())
        return {path.name: path.read_bytes() for path in files if path.name not in WRITTEN}

    def calls(self) -> list[str]:
        return (self.folder / "called").read_text().splitlines()


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    """In the place of the machine's."""
    apt = Apt(tmp_path / "apt")
    monkeypatch.setenv("PATH", f"{apt.folder}{os.pathsep}{os.environ['PATH']}")
    return apt


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where packages are kept."""
    return tmp_path / "debian"


def test_what_is_there_as_the_index_says_needs_no_network(apt: Apt, folder: Path) -> None:
    fetch([NAME], folder)
    apt.goes_offline()
    (package,) = fetch([NAME], folder)
    assert package.file.read_bytes() == GOOD
    assert [path.name for path in folder.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "there", [b"", GOOD[:4], b"the Package", GOOD + b"!"], ids=["empty", "cut", "other", "longer"]
)
def test_a_file_that_is_not_what_the_index_says_is_fetched_again(
    apt: Apt, folder: Path, there: bytes
) -> None:
    folder.mkdir()
    (folder / FILE).write_bytes(there)
    (package,) = fetch([NAME], folder)
    assert package.file.read_bytes() == GOOD
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_what_still_differs_is_refused_and_not_kept(apt: Apt, folder: Path) -> None:
    (apt.folder / "pool" / FILE).write_bytes(b"the Package")
    with pytest.raises(ImageError, match=rf"{FILE} has the SHA-256 .*, apt's index says"):
        fetch([NAME], folder)
    assert [path.name for path in folder.iterdir()] == [".lists"]


def test_a_version_that_is_not_kept_is_named_where_there_is_no_network(
    apt: Apt, folder: Path
) -> None:
    fetch([NAME], folder)
    apt.names(b"newer", file="libx_4_amd64.deb")
    apt.goes_offline()
    with pytest.raises(ImageError, match=r"libx_4_amd64.deb is not there.* E: Failed to fetch"):
        fetch([NAME], folder)


def test_half_a_file_of_a_killed_build_is_no_file(apt: Apt, folder: Path) -> None:
    (part := folder / ".part").mkdir(parents=True)
    (part / FILE).write_bytes(GOOD[:4])
    (package,) = fetch([NAME], folder)
    assert package.file.read_bytes() == GOOD
    assert not part.exists()


@pytest.mark.parametrize("there", [False, True], ids=["none", "of last week"])
def test_where_the_machines_index_does_not_do_the_folder_gets_its_own(
    apt: Apt, folder: Path, there: bool
) -> None:
    if there:
        apt.names(b"replaced since", file="libx_0_amd64.deb")
    else:
        (apt.folder / "index").unlink()
    apt.names(GOOD, "next")
    machines = apt.files()
    (package,) = fetch([NAME], folder)
    assert package.file == folder / FILE
    assert apt.files() == machines
    # From now on its own is asked, and needs no network as long as it does.
    apt.goes_offline()
    assert fetch([NAME], folder) == [package]


def test_no_call_of_apt_writes_on_the_machine(apt: Apt, folder: Path) -> None:
    (apt.folder / "index").unlink()
    apt.names(GOOD, "next")
    fetch([NAME], folder)
    calls = apt.calls()
    assert [call for call in calls if " update " in call]
    for call in calls:
        assert "Dir::Cache::pkgcache= " in call
        assert "Dir::Cache::srcpkgcache= " in call
        assert " update " not in call or f"Dir::State::lists={folder}" in call


def test_an_index_is_renewed_without_the_machines_hooks(
    apt: Apt, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parts := tmp_path / "etc/apt.conf.d").mkdir(parents=True)
    (parts / "50proxy").write_text('Acquire::http::Proxy "http://proxy:3128";\n')
    monkeypatch.setattr(packages, "_CONFIGURATION", parts.parent)
    (apt.folder / "index").unlink()
    apt.names(GOOD, "next")
    fetch([NAME], folder)
    read = (apt.folder / "configured").read_text()
    own = folder / ".lists/apt.conf.d"
    assert f'Dir::Etc::parts "{own}";' in read
    assert 'Dir::Etc::main "/dev/null";' in read
    # The way to the network is the machine's; what is read last takes its hooks away.
    assert (own / "50proxy").read_text() == (parts / "50proxy").read_text()
    last = max(own.iterdir())
    assert "#clear APT::Update::Post-Invoke-Success;" in last.read_text().splitlines()


def test_an_index_that_says_no_sha256_is_refused(apt: Apt, folder: Path) -> None:
    (apt.folder / "index").write_text(f"'http://localhost/{FILE}' {FILE} 11 MD5Sum:00\n")
    with pytest.raises(ImageError, match="SHA-256"):
        fetch([NAME], folder)


def test_what_is_unpacked_is_never_that_of_another_package_file(
    apt: Apt, folder: Path, tmp_path: Path
) -> None:
    first = unpacked([NAME], folder, tmp_path / "node-packages")
    assert first == unpacked([NAME], folder, tmp_path / "node-packages")
    apt.names(b"rebuilt")
    (apt.folder / "pool" / FILE).write_bytes(b"rebuilt")
    second = unpacked([NAME], folder, tmp_path / "node-packages")
    assert first != second
    assert (second / "content").read_bytes() == b"rebuilt"


def test_the_node_says_it_in_its_own_words(
    apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(node, "installed", lambda: None)
    monkeypatch.setattr(node, "PACKAGES", [NAME])
    (apt.folder / "dpkg-deb").write_text("#!/bin/sh\necho no such archive >&2; exit 2\n")
    with pytest.raises(NodeError, match=r"(?s)containerd.*no such archive"):
        node.find_programs()
