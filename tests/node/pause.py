"""The image that holds a pod's namespaces: one program of our own, as an OCI archive.

No registry is asked for anything.
"""

import shutil
import tempfile
from pathlib import Path

from image.archive import config_of
from image.archive import write_archive as write_image
from image.distribution import architecture
from image.layer import layer_of
from tests.node.build import build

IMAGE = "archiver.test/pause:1"
PROCESS = {"Entrypoint": ["/pause"], "User": "65535:65535"}


def write_archive(path: Path) -> Path:
    """Write it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(build("pause"), root)
        layers = [layer_of(root, [root / "pause"], epoch=0)]
    config = config_of(layers, PROCESS, architecture=architecture(), epoch=0)
    write_image(path, layers, config, reference=IMAGE, epoch=0)
    return path
