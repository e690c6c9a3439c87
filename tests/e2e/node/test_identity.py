"""Whom a pod is to the API server and to PostgreSQL, and whom it believes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import applied
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import Change, Installed
from tests.e2e.node.restriction import NAME, restriction
from tests.e2e.node.settled import assert_settled
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually
from tests.manifests import NAMESPACE, SERVICE_ACCOUNT
from tests.node.postgresql import HOST, WRITER
from tests.postgres.certificates import ServerCertificate
from tests.postgres.sql import value

# The same server, by a name that its certificate does not have.
ANOTHER_NAME = f"{HOST}.cluster.local"
# In a token that the kubelet asked for on behalf of a pod, and in no other
# (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/).
OF_A_POD = "'authentication.kubernetes.io/pod-name' in request.userInfo.extra"


# How long the token in the pod is good for, in seconds, and what becomes of a file in each folder
# that the pod's user might write to.
PROBE = """
import base64, errno, json
token = open('/var/run/secrets/kubernetes.io/serviceaccount/token').read().split('.')[1]
claims = json.loads(base64.urlsafe_b64decode(token + '=' * (-len(token) % 4)))
def written(folder):
    try:
        open(folder + '/probe', 'w').close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'written'
folders = ('/tmp', '/etc/archiver/database', '/var/run/secrets/kubernetes.io/serviceaccount')
print(json.dumps([claims['exp'] - claims['iat'], *map(written, folders)]))
"""


@pytest.fixture
def token_of_no_pod(installed: Installed, control_plane: Cluster) -> Iterator[KubeApi]:
    """The archiver's ServiceAccount by a token that belongs to no pod."""
    api = KubeApi(control_plane.kubeconfig_for_service_account(NAMESPACE, SERVICE_ACCOUNT))
    yield api
    api.close()


def test_the_token_is_the_one_projected_into_the_pod(
    installed: Installed, processings: Collection, admin: KubeApi, token_of_no_pod: KubeApi
) -> None:
    due = processings.create_all(range(5))
    path = f"{processings.path}/{due[0]['metadata']['name']}"
    nothing: Object = {"metadata": {"labels": {}}}
    with applied(admin, restriction(processings.namespace, OF_A_POD)):
        eventually(lambda: NAME in token_of_no_pod.merge(path, nothing).message)
        assert installed.run("as-pod") == "Complete"
    assert_settled(installed.archive.url, processings, due)


def test_a_pod_has_a_token_of_an_hour_and_no_place_to_write_to(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(20))
    installed.start("probed", Change({"ARCHIVER_MAX_MARKS_PER_SECOND": "2"}))
    eventually(lambda: any(map(is_marked, processings.all().values())))
    (pod,) = installed.pods.of_job("probed")
    # The one that is mounted by default is good for a year where the API server extends it; and
    # /tmp is anybody's in the image, as far as its root file system can be written to.
    assert json.loads(installed.in_pod(pod, PROBE)) == [3600, "EROFS", "EROFS", "EROFS"]
    assert installed.ended("probed") == "Complete"
    assert_settled(url, processings, due)


def test_the_connection_to_postgresql_is_encrypted(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(20))
    before = len(installed.archive.wire.encrypted)
    installed.start("encrypted", Change({"ARCHIVER_MAX_MARKS_PER_SECOND": "4"}))
    eventually(lambda: len(installed.archive.wire.encrypted) > before)
    query = """
        SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = %s
    """

    def said_by_the_server() -> set[bool]:
        with psycopg.connect(url) as connection:
            return {row[0] for row in connection.execute(query, [WRITER])}

    # One without SSL of its own (the wheel's) has it in front, and does not know of it.
    if value(url, "SHOW ssl") == "on":
        eventually(lambda: said_by_the_server() == {True})
    assert installed.ended("encrypted") == "Complete"
    # What went over the pod network.
    assert set(installed.archive.wire.encrypted[before:]) == {True}
    assert_settled(url, processings, due)


def assert_not_believed(installed: Installed, job: str, says: str) -> None:
    """It ended with 78 and these words, and was not tried again."""
    assert installed.ended(job) == "Failed"
    assert exit_codes(installed.pods.of_job(job)) == [78]
    assert installed.reason(job) == "PodFailurePolicy"
    assert says in installed.log(job)


@contextmanager
def another_authority(installed: Installed) -> Iterator[None]:
    """The Secret names one that signed nothing that the server has."""
    _set_authority(installed, ServerCertificate.issue(HOST).authority.decode())
    try:
        yield
    finally:
        _set_authority(installed, installed.archive.authority)


def _set_authority(installed: Installed, pem: str) -> None:
    patch = json.dumps({"stringData": {"ca.crt": pem}})
    installed.ask("patch", "secret", "archiver-database", "--patch", patch)


# In both, the installed URL stays but for what is tried: it is the URL that has to ask for proof.


def test_a_server_of_another_authority_is_a_configuration_error(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(3))
    with another_authority(installed):
        installed.start("unproven-authority")
        assert_not_believed(installed, "unproven-authority", "certificate verify failed")
    assert not any(map(is_marked, processings.all().values()))
    assert installed.run("proven-authority") == "Complete"
    assert_settled(url, processings, due)


def test_a_server_of_another_name_is_a_configuration_error(installed: Installed) -> None:
    settings = installed.get("configmap", "archiver")["data"]
    url = settings["ARCHIVER_DATABASE_URL"].replace(HOST, ANOTHER_NAME)
    assert ANOTHER_NAME in url
    installed.start("unproven-name", Change({"ARCHIVER_DATABASE_URL": url}))
    assert_not_believed(installed, "unproven-name", "host name")
