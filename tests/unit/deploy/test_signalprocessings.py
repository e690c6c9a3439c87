"""The component for the successor: nothing of the default resource is left where it decides."""

import copy
import re
from typing import Any

import pytest
import yaml

from tests import manifests
from tests.manifests import DEPLOY, Object

PATCHES = yaml.safe_load((DEPLOY / "signalprocessings" / "kustomization.yaml").read_text())[
    "patches"
]


def targets(target: Object) -> list[Object]:
    """The manifests that kustomize would choose: it anchors the pattern of a name."""
    candidates = [*manifests.load(manifests.BASE), *manifests.load(manifests.GUARD)]
    return [
        manifest
        for manifest in candidates
        if manifest["kind"] == target["kind"]
        and re.fullmatch(target["name"], manifest["metadata"]["name"])
    ]


def patched(manifest: Object, operations: list[Object]) -> Object:
    """RFC 6902, as far as the component uses it. Raises KeyError where a path leads nowhere."""
    result = copy.deepcopy(manifest)
    for operation in operations:
        *parents, last = [int(p) if p.isdigit() else p for p in operation["path"][1:].split("/")]
        place: Any = result
        for part in parents:
            place = place[part]
        if operation["op"] == "add":
            assert last not in place
        elif operation["op"] == "test":
            assert place[last] == operation["value"]
        else:
            assert operation["op"] == "replace"
            _ = place[last]
        place[last] = operation["value"]
    return result


RESULTS = {
    manifest["metadata"]["name"]: patched(manifest, yaml.safe_load(patch["patch"]))
    for patch in PATCHES
    for manifest in targets(patch["target"])
}


def test_every_patch_has_its_target() -> None:
    assert all(targets(patch["target"]) for patch in PATCHES)


def test_the_settings_the_rights_and_every_policy_are_patched() -> None:
    policies = {f"{name}.archiver.kubernaut.io" for name in ("guard", "guard-crd", "mark", "limit")}
    assert set(RESULTS) == {"archiver", "kubernaut-archiver", *policies}


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_nothing_says_the_default_resource_any_more(name: str) -> None:
    text = yaml.safe_dump(RESULTS[name])
    assert "remediationprocessing" not in text
    assert "signalprocessings" in text


def test_the_rights_stay_as_narrow() -> None:
    assert RESULTS["kubernaut-archiver"]["rules"][0] == {
        "apiGroups": ["kubernaut.ai"],
        "resources": ["signalprocessings"],
        "verbs": ["list", "patch"],
    }
