"""CustomResourceDefinitions of the three shapes that exist, and of the parent.

`remediationprocessing-v1` (shape A) and `remediationprocessing-v1alpha1` (shape B) have the same
name: a cluster holds one or the other, as releases of Kubernaut do. `signalprocessing-v1alpha1` is
shape C, `remediationrequest` the owner. `validation` checks an object against one without a server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

Object: TypeAlias = dict[str, Any]

_FOLDER: Final = Path(__file__).parent

# Which manifest serves which shape of `tests.resources`.
BY_SHAPE: Final = {
    "A": "remediationprocessing-v1",
    "B": "remediationprocessing-v1alpha1",
    "C": "signalprocessing-v1alpha1",
}


def names() -> list[str]:
    """What `load` takes."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load(name: str) -> Object:
    """A fresh copy of a manifest, ready for the API server. `name` is one of `names()`."""
    crd: Object = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return crd


def unchecked(name: str) -> Object:
    """The same resource, whose spec and status may be of any type and hold anything.

    For bad inputs that the real schemas refuse: a status that is a number, a time that is "now".
    """
    crd = load(name)
    anything = {"x-kubernetes-preserve-unknown-fields": True, "nullable": True}
    for version in crd["spec"]["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        schema["properties"] |= {"spec": anything, "status": anything}
        schema.pop("required", None)
    return crd
