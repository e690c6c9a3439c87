"""The image that holds a pod's namespaces: one program of our own, as an OCI archive.

No registry is asked for anything.
"""

import gzip
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

from tests.node.build import build

IMAGE = "archiver.test/pause:1"
OCI = "application/vnd.oci.image"


def write_archive(path: Path) -> Path:
    """Write it (https://github.com/opencontainers/image-spec, image layout)."""
    layer = _tar({"pause": build("pause").read_bytes()}, mode=0o755)
    config = {
        "architecture": _architecture(),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs: dict[str, bytes] = {}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": _add(blobs, f"{OCI}.config.v1+json", json.dumps(config).encode()),
        "layers": [_add(blobs, f"{OCI}.layer.v1.tar+gzip", gzip.compress(layer, mtime=0))],
    }
    listed = _add(blobs, f"{OCI}.manifest.v1+json", json.dumps(manifest).encode())
    # The name that containerd gives it.
    listed["annotations"] = {"io.containerd.image.name": IMAGE}
    index = {"schemaVersion": 2, "manifests": [listed]}
    blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    blobs["index.json"] = json.dumps(index).encode()
    path.write_bytes(_tar(blobs, mode=0o644))
    return path


def _add(blobs: dict[str, bytes], media_type: str, content: bytes) -> dict[str, Any]:
    digest = _digest(content)
    blobs[f"blobs/{digest.replace(':', '/')}"] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
