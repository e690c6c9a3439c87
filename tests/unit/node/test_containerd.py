"""What containerd is asked, by a program in ctr's place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from image.folders import Workdir
from tests.node.containerd import Containerd
from tests.node.errors import NodeError
from tests.node.packages import Programs

NAME = "docker.io/library/kubernaut-archiver:1.0"
# Of its own accord the runtime interface adds each image by its digest.
CTR = """\
#!/bin/sh
case "$*" in
  *import*) test ! -e refuses || { echo "broken archive" >&2; exit 1; }
    cat archive >> images; echo sha256:0a >> images; test ! -e talks || cat said ;;
  *ls*) cat images ;;
esac
"""


@pytest.fixture
def containerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Containerd]:
    """One that was never started, in the folder in which the stand-in has its files."""
    (tmp_path / "ctr").write_text(CTR)
    (tmp_path / "ctr").chmod(0o755)
    (tmp_path / "images").write_text("archiver.test/pause:1\n")
    (tmp_path / "archive").write_text(f"{NAME}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    workdir = Workdir.at(tmp_path / "work")
    yield Containerd(Programs((), (), tmp_path), workdir)
    workdir.remove()


def test_images_are_told_where_ctr_says_nothing_of_them(containerd: Containerd) -> None:
    assert containerd.import_image(Path("image.tar")) == [NAME]


def test_images_are_told_where_ctr_has_a_line_for_each(
    containerd: Containerd, tmp_path: Path
) -> None:
    (tmp_path / "talks").touch()
    (tmp_path / "said").write_text(f"unpacking {NAME} (sha256:0a)...done\n")
    assert containerd.import_image(Path("image.tar")) == [NAME]


def test_an_archive_without_a_name_is_refused(containerd: Containerd, tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("")
    with pytest.raises(NodeError, match=r"image\.tar brings no image with a name"):
        containerd.import_image(Path("image.tar"))


def test_an_archive_that_containerd_refuses_is_told_with_its_words(
    containerd: Containerd, tmp_path: Path
) -> None:
    (tmp_path / "refuses").touch()
    with pytest.raises(NodeError, match="broken archive"):
        containerd.import_image(Path("image.tar"))
