"""Overlays of deploy/, as an installation would keep them: the image's name, and little else."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from tests.manifests import (
    BACKFILL,
    BACKFILL_SHARDED,
    BASE,
    DRY_RUN,
    FLOW_CONTROL,
    GUARD,
    NAMESPACE,
    OURS,
    Object,
)

# The CronJob waits for the test that lets it go: every minute then, since nobody waits for 13.
_EVERY_MINUTE: Object = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "archiver", "namespace": NAMESPACE},
    "spec": {"schedule": "* * * * *", "suspend": True},
}
# A registry of the name that the manifests give to no image, so that a wrong name is seen at once.
_NAME = "kubernaut-archiver"


def write_overlay(folder: Path, base: Path, image: str, patches: Sequence[Object] = ()) -> Path:
    """Make a kustomization of `base` with this image; the folder for `kubectl apply -k`."""
    folder.mkdir(parents=True)
    # kustomize takes other folders by relative paths only.
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(base.resolve(), folder.resolve())],
        "images": [_image(image)],
        "labels": [{"pairs": OURS}],
        "patches": [{"patch": json.dumps(patch)} for patch in patches],
    }
    (folder / "kustomization.yaml").write_text(json.dumps(content, indent=2))
    return folder


def write_overlays(folder: Path, image: str) -> dict[Path, Path]:
    """Folder of deploy/ → the overlay to apply in its place."""
    patches = {BASE: [_EVERY_MINUTE]}
    return {
        base: write_overlay(folder / base.name, base, image, patches.get(base, ()))
        for base in (BASE, BACKFILL, BACKFILL_SHARDED, DRY_RUN, FLOW_CONTROL, GUARD)
    }


def _image(reference: str) -> Object:
    if "@" in reference:
        name, digest = reference.split("@", 1)
        return {"name": _NAME, "newName": name, "digest": digest}
    name, _, tag = reference.rpartition(":")
    if "/" in tag or not name:  # a registry's port, or no tag at all
        return {"name": _NAME, "newName": reference}
    return {"name": _NAME, "newName": name, "newTag": tag}
