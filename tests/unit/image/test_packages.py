"""What a machine must have, names of package files, and where they go."""

import platform
import re
from pathlib import Path

import pytest

from image import packages
from image.distribution import require
from image.errors import ImageError
from image.packages import Package


def test_a_file_is_named_by_package_version_and_architecture() -> None:
    found = Package.of(Path("zlib1g_1%3a1.2.13.dfsg-1_amd64.deb"))
    assert (found.name, found.version, found.architecture) == ("zlib1g", "1:1.2.13.dfsg-1", "amd64")


def test_another_name_is_refused() -> None:
    with pytest.raises(ImageError, match="zlib"):
        Package.of(Path("zlib.tar"))


@pytest.mark.parametrize(
    ("os_release", "found"),
    [
        ('PRETTY_NAME="Ubuntu 24.04.3 LTS"\nVERSION_CODENAME=noble\n', "is Ubuntu 24.04.3 LTS"),
        ("PRETTY_NAME='Debian GNU/Linux 13'\nVERSION_CODENAME=trixie\n", "is Debian GNU/Linux 13"),
        ("", f"is {platform.system()} without"),
    ],
)
def test_another_release_is_refused_with_its_name_and_the_way_out(
    tmp_path: Path, os_release: str, found: str
) -> None:
    (tmp_path / "os-release").write_text(os_release)
    with pytest.raises(ImageError, match=rf"{found}.*DOCKER=docker"):
        require(tmp_path / "os-release")


@pytest.fixture
def debian_12(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its os-release, in a folder that has the programs and is all of PATH."""
    for name in ("apt-get", "dpkg-deb", "setpriv"):
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    return tmp_path / "os-release"


def test_debian_12_is_taken(debian_12: Path) -> None:
    require(debian_12)


def test_a_machine_of_another_kind_is_refused(
    debian_12: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ImageError, match="amd64, arm64, not riscv64"):
        require(debian_12)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["setpriv"], "needs setpriv (package util-linux): install it"),
        (["apt-get", "dpkg-deb"], "needs apt-get (package apt), dpkg-deb (package dpkg)"),
    ],
)
def test_programs_that_are_missing_are_named_with_their_packages(
    debian_12: Path, missing: list[str], said: str
) -> None:
    for name in missing:
        (debian_12.parent / name).unlink()
    with pytest.raises(ImageError, match=re.escape(said)):
        require(debian_12)


def test_packages_are_unpacked_into_a_folder_that_is_made_with_its_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "not" / "there" / "yet"
    seen: list[bool] = []
    monkeypatch.setattr(packages, "_run", lambda command: seen.append(Path(command[-1]).is_dir()))
    packages.unpack([Package.of(Path("a_1_amd64.deb"))], root)
    assert seen == [True]
