"""What a build leaves, and in which order; and what it leaves alone."""

import sys
from pathlib import Path
from typing import Any

import pytest

from image import __main__ as command
from image import build
from image.errors import ImageError


def test_the_archive_is_the_last_thing_that_a_build_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bytes] = []

    def no_room(*_: Any, **__: Any) -> str:
        said.append((tmp_path / "x.oci.cdx.json").read_bytes())
        raise ImageError("no room")

    monkeypatch.setattr(build, "fill", lambda *_: b"sbom")
    monkeypatch.setattr(build, "_layers", lambda *_: ())
    monkeypatch.setattr(build, "write_archive", no_room)
    with pytest.raises(ImageError, match="no room"):
        build.build(tmp_path / "x.oci.tar", tmp_path)
    # make looks at the archive alone: what is written after it may be missing for ever.
    assert said == [b"sbom"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.oci.cdx.json"]


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that a build goes on to fill, where no package is to be had."""
    seen: list[Path] = []

    def make_root(root: Path, *_: Any) -> dict[str, str]:
        seen.append(root)
        return {}

    monkeypatch.setattr(build, "require", lambda: None)
    monkeypatch.setattr(build, "fetch", lambda *_: [])
    monkeypatch.setattr(build, "make_root", make_root)
    monkeypatch.setattr(build, "_describe", lambda *_: b"sbom")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return seen


def fill(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """`python -m image --root`; its exit code."""
    monkeypatch.setattr(sys, "argv", ["image", "--root", str(root)])
    return command.main()


def test_a_folder_that_is_not_empty_is_left_as_it_is(
    tmp_path: Path,
    filled: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "sbin").touch()
    assert fill(tmp_path, monkeypatch) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path} is not empty: name a folder that" in said
    assert filled == []
    assert [path.name for path in tmp_path.iterdir()] == ["sbin"]


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_empty_or_not_there_is_filled(
    tmp_path: Path, filled: list[Path], monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    root = tmp_path / "new" / "root"
    if there:
        root.mkdir(parents=True)
    assert fill(root, monkeypatch) == 0
    assert filled == [root]
    assert root.is_dir()
