"""The overlay names the image as the cluster does."""

import json
from pathlib import Path

import pytest

from tests.e2e.node.overlay import write_overlay
from tests.manifests import BASE

NAME = "kubernaut-archiver"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("archiver:1.0", {"newName": "archiver", "newTag": "1.0"}),
        ("quay.io/a/archiver:1.0", {"newName": "quay.io/a/archiver", "newTag": "1.0"}),
        ("localhost:5000/archiver", {"newName": "localhost:5000/archiver"}),
        ("localhost:5000/archiver:1", {"newName": "localhost:5000/archiver", "newTag": "1"}),
        ("archiver", {"newName": "archiver"}),
        ("r/archiver@sha256:0f", {"newName": "r/archiver", "digest": "sha256:0f"}),
    ],
)  # fmt: skip
def test_every_way_to_name_an_image(
    tmp_path: Path, reference: str, expected: dict[str, str]
) -> None:
    folder = write_overlay(tmp_path / "overlay", BASE, reference)
    content = json.loads((folder / "kustomization.yaml").read_text())
    assert content["images"] == [{"name": NAME, **expected}]
    assert (folder / content["resources"][0]).resolve() == BASE.resolve()
