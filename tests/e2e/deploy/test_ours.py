"""What is on a cluster already, under a name that the tests need."""

from collections.abc import Iterator

import pytest

from tests import crds
from tests.e2e.deploy.installation import applied, defined, delete
from tests.e2e.deploy.kube_api import KubeApi, Object, path_of
from tests.e2e.deploy.ours import labelled
from tests.manifests import OURS


@pytest.fixture
def theirs(admin: KubeApi) -> Iterator[Object]:
    """A CustomResourceDefinition that is there before the tests define it."""
    crd = crds.load("signalprocessing-v1alpha1")
    assert admin.apply(crd).ok
    yield crd
    delete(admin, path_of(crd))


def test_what_somebody_else_made_is_refused_by_name_and_stays(
    admin: KubeApi, theirs: Object, namespace: str
) -> None:
    before = admin.send("GET", path_of(theirs)).body["metadata"]["uid"]
    other: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "beside", "namespace": namespace},
    }
    name = theirs["metadata"]["name"]
    with (
        pytest.raises(pytest.fail.Exception, match=f"CustomResourceDefinition {name}"),
        applied(admin, [other, theirs]),
    ):
        pass
    after = admin.send("GET", path_of(theirs)).body["metadata"]
    assert after["uid"] == before
    assert "deletionTimestamp" not in after
    assert not admin.send("GET", path_of(other)).ok


def test_what_a_killed_run_left_is_taken_over_and_deleted(admin: KubeApi, theirs: Object) -> None:
    assert admin.apply(labelled(theirs)).ok
    with defined(admin, theirs):
        assert admin.send("GET", path_of(theirs)).body["metadata"]["labels"] == OURS
    assert not admin.send("GET", path_of(theirs)).ok
