"""The image as it is built, and a way to run it: unpacked, entered as its user, read-only."""

import gzip
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image.__main__ import default_packages
from image.build import build

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh build."""
    if os.geteuid() != 0:
        pytest.fail("entering a root file system as another user needs root: sudo make test-image")
    file = tmp_path_factory.mktemp("image") / "image.oci.tar"
    build(file, default_packages())
    return file


@pytest.fixture(scope="session")
def blobs(archive: Path) -> dict[str, bytes]:
    """Digest → blob."""
    with tarfile.open(archive) as tar:
        files = {info.name: tar.extractfile(info) for info in tar if info.name.startswith("blobs/")}
        return {name[6:].replace("/", ":"): file.read() for name, file in files.items() if file}


@pytest.fixture(scope="session")
def config(archive: Path, blobs: dict[str, bytes]) -> dict[str, Any]:
    """The image configuration."""
    with tarfile.open(archive) as tar:
        index = json.loads(tar.extractfile("index.json").read())  # type: ignore[union-attr]
    manifest = json.loads(blobs[index["manifests"][0]["digest"]])
    found: dict[str, Any] = json.loads(blobs[manifest["config"]["digest"]])
    return found | {"layers": [layer["digest"] for layer in manifest["layers"]]}


@pytest.fixture(scope="session")
def root(
    config: dict[str, Any], blobs: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its root file system, unpacked layer by layer."""
    folder = tmp_path_factory.mktemp("root")
    folder.chmod(0o755)
    for digest in config["layers"]:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blobs[digest]))) as tar:
            tar.extractall(folder, filter="fully_trusted")  # noqa: S202 - our own layers
    return folder


@pytest.fixture(scope="session")
def run(root: Path, config: dict[str, Any]) -> Run:
    """Run the entry point: its user, its environment, nothing writable, no network unless asked."""
    process = config["config"]

    def run_it(
        *arguments: str,
        program: str = process["Entrypoint"][0],
        network: bool = False,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        given = dict(text.split("=", 1) for text in process["Env"])
        enter = (
            f"mount --bind '{root}' '{root}' && mount -o remount,bind,ro '{root}' && "
            f"exec chroot --userspec={process['User']} '{root}' \"$@\""
        )
        apart = ["--mount"] if network else ["--mount", "--net"]
        shell = ["unshare", *apart, "sh", "-c", enter, "sh"]
        return subprocess.run(
            [*shell, program, *arguments],
            env=given | environment | {"PATH": f"{given['PATH']}:/usr/sbin:/sbin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    return run_it
