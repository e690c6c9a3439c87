"""What the tests put on a cluster bears a label, and nothing else of the same name is touched.

Deleting a CustomResourceDefinition deletes every object of it: on a cluster of somebody else a name
is no proof that the tests made what has it.
"""

from collections.abc import Iterable

import pytest

from tests.e2e.deploy.kube_api import KubeApi, Object, path_of
from tests.manifests import OURS


def labelled(manifest: Object) -> Object:
    """The same object with the label."""
    metadata = manifest["metadata"]
    labels = {**metadata.get("labels", {}), **OURS}
    return {**manifest, "metadata": {**metadata, "labels": labels}}


def refuse_others(api: KubeApi, manifests: Iterable[Object]) -> None:
    """Fail the test if one of them exists that the tests did not make; nothing is changed.

    What an earlier run left, which was killed, is the tests' own.
    """
    found = [manifest for manifest in manifests if _is_of_others(api, path_of(manifest))]
    if found:
        names = "\n".join(f"  {o['kind']} {o['metadata']['name']}" for o in found)
        label = "".join(f"{key}={value}" for key, value in OURS.items())
        pytest.fail(
            f"this cluster has, and the tests did not make:\n{names}\n"
            "The tests would change and delete it, with all that is in it. Take a cluster without "
            "Kubernaut and without the archiver (`make e2e-node`, `make e2e-kind`). What tests "
            f"made has the label {label}: put it on what may be deleted.",
            pytrace=False,
        )


def _is_of_others(api: KubeApi, path: str) -> bool:
    answer = api.send("GET", path)
    return answer.ok and not answer.body["metadata"].get("labels", {}).items() >= OURS.items()
