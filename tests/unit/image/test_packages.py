"""Names of package files, and where they go."""

import platform
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


def test_debian_12_is_taken(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    require(tmp_path / "os-release")


def test_packages_are_unpacked_into_a_folder_that_is_made_with_its_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "not" / "there" / "yet"
    seen: list[bool] = []
    monkeypatch.setattr(packages, "_run", lambda command: seen.append(Path(command[-1]).is_dir()))
    packages.unpack([Package.of(Path("a_1_amd64.deb"))], root)
    assert seen == [True]
