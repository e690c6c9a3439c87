"""The archive: an OCI image layout whose every blob is where its digest says."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from image.archive import config_of, write_archive
from image.layer import Layer, digest_of

LAYER = Layer(b"compressed", digest_of(b"plain"))
EPOCH = 1_700_000_000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    config = config_of([LAYER], {"User": "7:7"}, architecture="amd64", epoch=EPOCH)
    file = tmp_path / "image.tar"
    write_archive(file, [LAYER], config, reference="docker.io/library/x:1.0", epoch=EPOCH)
    return file


def contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def test_every_blob_is_named_by_its_digest(archive: Path) -> None:
    blobs = {n: b for n, b in contents(archive).items() if n.startswith("blobs/sha256/")}
    assert len(blobs) == 3
    assert all(hashlib.sha256(b).hexdigest() == n.rpartition("/")[2] for n, b in blobs.items())


def test_the_index_leads_to_the_layers(archive: Path) -> None:
    found = contents(archive)

    def follow(descriptor: dict[str, Any]) -> bytes:
        blob = found[f"blobs/{descriptor['digest'].replace(':', '/')}"]
        assert len(blob) == descriptor["size"]
        return blob

    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (listed,) = json.loads(found["index.json"])["manifests"]
    assert listed["annotations"]["io.containerd.image.name"] == "docker.io/library/x:1.0"
    manifest = json.loads(follow(listed))
    config = json.loads(follow(manifest["config"]))
    assert config["config"] == {"User": "7:7"}
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert config["rootfs"]["diff_ids"] == [LAYER.diff_id]
    assert [follow(layer) for layer in manifest["layers"]] == [LAYER.blob]


def test_docker_load_finds_its_way_too(archive: Path) -> None:
    found = contents(archive)
    (entry,) = json.loads(found["manifest.json"])
    assert entry["RepoTags"] == ["x:1.0"]
    assert {entry["Config"], *entry["Layers"]} <= found.keys()
