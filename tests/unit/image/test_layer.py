"""Layers: the same files give the same bytes."""

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path

from image.layer import digest_of, layer_of
from image.rights import settle

EPOCH = 1_700_000_000


def files(root: Path) -> Path:
    root.mkdir()
    (root / "tmp").mkdir(mode=0o700)
    (root / "bin").mkdir()
    (root / "bin/run").write_text("x")
    (root / "bin/run").chmod(0o4775)
    (root / "b").write_text("two")
    (root / "b").chmod(0o666)
    (root / "a").symlink_to("b")
    return root


def members(root: Path) -> dict[str, tarfile.TarInfo]:
    blob = layer_of(root, root.rglob("*"), EPOCH).blob
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as tar:
        return {info.name: info for info in tar}


def test_times_and_the_order_of_making_leave_no_trace(tmp_path: Path) -> None:
    first, second = files(tmp_path / "first"), files(tmp_path / "second")
    for path in second.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    shuffled = sorted(second.rglob("*"), reverse=True)
    assert layer_of(first, first.rglob("*"), EPOCH) == layer_of(second, shuffled, EPOCH)


def test_a_change_of_content_is_another_layer(tmp_path: Path) -> None:
    root = files(tmp_path / "root")
    before = layer_of(root, root.rglob("*"), EPOCH)
    (root / "b").write_text("owt")
    after = layer_of(root, root.rglob("*"), EPOCH)
    assert before.digest != after.digest
    assert before.diff_id != after.diff_id


def test_everything_is_roots_and_nobody_else_may_write(tmp_path: Path) -> None:
    found = members(files(tmp_path / "root"))
    assert {(info.uid, info.gid, info.uname, info.mtime) for info in found.values()} == {
        (0, 0, "", EPOCH)
    }
    modes = {name: info.mode for name, info in found.items() if not info.issym()}
    assert modes == {"tmp": 0o1777, "bin": 0o755, "bin/run": 0o755, "b": 0o644}


def test_a_root_on_a_disk_has_the_rights_of_the_layers(tmp_path: Path) -> None:
    root = files(tmp_path / "root")
    settle(root)
    found = {
        str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode)
        for path in root.rglob("*")
        if not path.is_symlink()
    }
    assert found == {"tmp": 0o1777, "bin": 0o755, "bin/run": 0o755, "b": 0o644}


def test_a_hard_link_is_a_file_of_its_own(tmp_path: Path) -> None:
    root = files(tmp_path / "root")
    (root / "c").hardlink_to(root / "b")
    found = members(root)
    assert (found["c"].isreg(), found["c"].size) == (True, 3)


def test_the_diff_id_is_that_of_the_uncompressed_layer(tmp_path: Path) -> None:
    root = files(tmp_path / "root")
    layer = layer_of(root, root.rglob("*"), EPOCH)
    assert layer.diff_id == digest_of(gzip.decompress(layer.blob))
    assert layer.digest == digest_of(layer.blob)
