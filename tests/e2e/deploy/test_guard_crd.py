"""The guard of the CustomResourceDefinition."""

from http import HTTPStatus

import pytest

from tests import crds
from tests.e2e.deploy.installation import CRD, defined
from tests.e2e.deploy.kube_api import DRY_RUN, KubeApi
from tests.e2e.deploy.marked import BREAK_GLASS

pytestmark = pytest.mark.usefixtures("guard")


def test_the_crd_stays(admin: KubeApi) -> None:
    collection, name = CRD.rsplit("/", 1)
    one = admin.send("DELETE", CRD)
    # A request that names no object: a policy that goes by resourceNames would not see it.
    selector = {"fieldSelector": f"metadata.name={name}"}
    all_of_one = admin.send("DELETE", collection, query=selector)
    for answer in (one, all_of_one):
        assert answer.status == HTTPStatus.FORBIDDEN
        assert "guard-crd.archiver.kubernaut.io" in answer.message
        assert "archived or not" in answer.message
    assert "deletionTimestamp" not in admin.send("GET", CRD).body["metadata"]


def test_the_crd_goes_with_break_glass(admin: KubeApi) -> None:
    for value, may in (("true", True), ("false", False), (None, False)):
        assert admin.merge(CRD, {"metadata": {"labels": {BREAK_GLASS: value}}}).ok
        assert admin.send("DELETE", CRD, query=DRY_RUN).ok == may


def test_other_definitions_are_none_of_its_business(admin: KubeApi) -> None:
    with defined(admin, crds.load("signalprocessing-v1alpha1")):
        pass  # deleted at the end
