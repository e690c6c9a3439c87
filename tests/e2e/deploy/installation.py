"""Puts manifests on a cluster for as long as a test needs them, and takes all of it away again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi, Object, path_of
from tests.e2e.deploy.ours import labelled, refuse_others
from tests.e2e.waiting import eventually
from tests.manifests import GUARD, load

GROUP: Final = "remediationprocessing.kubernaut.io"
CRD: Final = (
    f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/remediationprocessings.{GROUP}"
)
POLICIES: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
MARK_KEY: Final = "archiver.kubernaut.io/digest"


def resources_in(namespace: str, version: str = "v1") -> str:
    """The path of a namespace's RemediationProcessings."""
    return f"/apis/{GROUP}/{version}/namespaces/{namespace}/remediationprocessings"


@contextmanager
def applied(api: KubeApi, manifests: Iterable[Object]) -> Iterator[list[Object]]:
    """Apply them in this order, labelled as the tests' own; at the end delete them in the other,
    and see them gone. Fails, and changes nothing, where somebody else's have such a name.
    """
    manifests = [labelled(manifest) for manifest in manifests]
    refuse_others(api, manifests)
    made = []
    try:
        for manifest in manifests:
            answer = api.apply(manifest)
            assert answer.ok, f"{path_of(manifest)}: {answer.message}"
            made.append(path_of(manifest))
        yield manifests
    finally:
        for path in reversed(made):
            delete(api, path)


def delete(api: KubeApi, path: str) -> None:
    """Delete an object and wait until it is gone."""
    api.send("DELETE", path, query={"propagationPolicy": "Background"})
    eventually(lambda: api.send("GET", path).status == HTTPStatus.NOT_FOUND)


@contextmanager
def defined(api: KubeApi, crd: Object) -> Iterator[None]:
    """Serve a CustomResourceDefinition; at the end delete it with all its objects."""
    spec = crd["spec"]
    version = next(version["name"] for version in spec["versions"] if version["served"])
    collection = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
    with applied(api, [crd]):
        eventually(lambda: api.send("GET", collection).ok)
        yield


@contextmanager
def guarded(api: KubeApi, archiver: KubeApi, namespace: str) -> Iterator[None]:
    """Apply the guard and wait until each policy of it is in force.

    A policy is, a moment after it was applied; `namespace` is where that is tried out.
    """
    collection = resources_in(namespace)
    body = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RemediationProcessing",
        "metadata": {"name": "canary", "finalizers": ["example.com/held"]},
        "spec": {},
        "status": {"phase": "completed"},
    }
    canary = f"{collection}/canary"
    assert api.send("POST", collection, body).ok
    annotate = {"metadata": {"annotations": {MARK_KEY: "forged"}}}
    with applied(api, load(GUARD)):
        eventually(lambda: api.send("DELETE", canary, query=DRY_RUN).is_policys)
        eventually(lambda: api.send("DELETE", CRD, query=DRY_RUN).is_policys)
        eventually(lambda: api.merge(canary, annotate, dryRun="All").is_policys)
        beyond = {"spec": {"changed": 1}}
        eventually(lambda: archiver.merge(canary, beyond, dryRun="All").is_policys)
        yield
    eventually(lambda: api.send("DELETE", canary, query=DRY_RUN).ok)
    eventually(lambda: api.send("DELETE", CRD, query=DRY_RUN).ok)
    api.merge(canary, {"metadata": {"finalizers": None}})
    delete(api, canary)
