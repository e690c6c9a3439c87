"""The manifests of deploy/, as their kustomizations list them.

Read without kubectl, which takes a build: what kustomize would change in them (the image's tag, the
names in the guard) stands in the files already, and a test compares them with what it renders.
"""

import copy
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

Object: TypeAlias = dict[str, Any]

DEPLOY: Final = Path(__file__).parent.parent / "deploy"
BASE: Final = DEPLOY
GUARD: Final = DEPLOY / "guard"
BACKFILL: Final = DEPLOY / "backfill"
BACKFILL_SHARDED: Final = DEPLOY / "backfill-sharded"
DRY_RUN: Final = DEPLOY / "dry-run"
FLOW_CONTROL: Final = DEPLOY / "flow-control"
KUSTOMIZATIONS: Final = (BASE, GUARD, BACKFILL, BACKFILL_SHARDED, DRY_RUN, FLOW_CONTROL)

NAMESPACE: Final = "kubernaut-archiver"
SERVICE_ACCOUNT: Final = "archiver"
USERNAME: Final = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
# The label of everything that tests make and may therefore delete.
OURS: Final = {"archiver.kubernaut.io/made-by": "tests"}

# Kustomize reads such an object and does not put it out.
_LOCAL: Final = "config.kubernetes.io/local-config"


def kustomization(folder: Path) -> Object:
    """The kustomization.yaml of a folder."""
    content: Object = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return content


def files(folder: Path) -> list[Path]:
    """The files of a kustomization, in its order, which is one they can be applied in."""
    return [folder / name for name in kustomization(folder)["resources"]]


def load(folder: Path) -> list[Object]:
    """The objects of a kustomization, as copies of the caller's own."""
    return [copy.deepcopy(manifest) for file in files(folder) for manifest in _objects(file)]


def everything() -> list[Object]:
    """The objects of all of them."""
    return [manifest for folder in KUSTOMIZATIONS for manifest in load(folder)]


def find(kind: str, name: str) -> Object:
    """The one object of this kind and name."""
    found = [o for o in everything() if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{kind} {name}: {len(found)} manifests"
    return found[0]


def job_specs() -> dict[str, Object]:
    """The spec of every Job, those that the CronJob makes included, by the name of its manifest."""
    specs = {o["metadata"]["name"]: o["spec"] for o in everything() if o["kind"] == "Job"}
    cron_jobs = (o for o in everything() if o["kind"] == "CronJob")
    return specs | {o["metadata"]["name"]: o["spec"]["jobTemplate"]["spec"] for o in cron_jobs}


@cache
def _objects(file: Path) -> list[Object]:
    documents = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    return [o for o in documents if o["metadata"].get("annotations", {}).get(_LOCAL) != "true"]
