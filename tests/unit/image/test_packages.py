"""Names of package files."""

from pathlib import Path

import pytest

from image.distribution import require
from image.errors import ImageError
from image.packages import Package


def test_a_file_is_named_by_package_version_and_architecture() -> None:
    found = Package.of(Path("zlib1g_1%3a1.2.13.dfsg-1_amd64.deb"))
    assert (found.name, found.version, found.architecture) == ("zlib1g", "1:1.2.13.dfsg-1", "amd64")


def test_another_name_is_refused() -> None:
    with pytest.raises(ImageError, match="zlib"):
        Package.of(Path("zlib.tar"))


def test_another_release_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text("ID=debian\nVERSION_CODENAME=trixie\n")
    with pytest.raises(ImageError, match="DOCKER=docker"):
        require(tmp_path / "os-release")
