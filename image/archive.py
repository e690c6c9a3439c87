"""Layers and configuration as an OCI image layout in one tar file.

https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md. The older docker-archive
format's `manifest.json` stands beside it, so that `docker load` takes the file too.
"""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from image.layer import Layer, digest_of
from image.whole import whole

_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"


def config_of(
    layers: Sequence[Layer], process: Mapping[str, Any], *, architecture: str, epoch: int
) -> bytes:
    """The image configuration. `process` is its `config`: user, entry point, labels."""
    return _json(
        {
            "created": timestamp(epoch),
            "architecture": architecture,
            "os": "linux",
            "config": dict(process),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }
    )


def timestamp(epoch: int) -> str:
    """A time in seconds, as OCI writes it (RFC 3339)."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_archive(
    file: Path, layers: Sequence[Layer], config: bytes, *, reference: str, epoch: int
) -> str:
    """Write the archive; the digest of the manifest, by which a cluster may pin the image.

    `reference` is its full name, such as docker.io/library/archiver:1.0.
    """
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer.blob) for layer in layers],
        }
    )
    annotations = {
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": _INDEX,
        "manifests": [_descriptor(_MANIFEST, manifest) | {"annotations": annotations}],
    }
    short = reference.removeprefix("docker.io/library/")
    docker = [
        {
            "Config": _path(config),
            "RepoTags": [short],
            "Layers": [_path(layer.blob) for layer in layers],
        }
    ]
    entries = {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json(index),
        "manifest.json": _json(docker),
        **{_path(blob): blob for blob in (manifest, config, *(layer.blob for layer in layers))},
    }
    _write(file, entries, epoch)
    return digest_of(manifest)


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}


def _path(blob: bytes) -> str:
    return f"blobs/{digest_of(blob).replace(':', '/')}"


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _write(file: Path, entries: Mapping[str, bytes], epoch: int) -> None:
    with (
        whole(file) as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), epoch, 0o644
            tar.addfile(info, io.BytesIO(content))
