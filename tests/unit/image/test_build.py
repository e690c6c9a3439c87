"""What a build leaves, and in which order."""

from pathlib import Path
from typing import Any

import pytest

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
