"""What trying again does not mend: the Job fails at once, and says what a person has to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg.sql import SQL, Identifier, Literal

from tests.controlplane.cluster import Cluster
from tests.e2e.deploy.installation import applied
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import Installed
from tests.e2e.node.restriction import NAME, restriction
from tests.e2e.node.settled import assert_settled, revisions
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually
from tests.manifests import NAMESPACE, SERVICE_ACCOUNT
from tests.node.postgresql import WRITER
from tests.postgres.sql import execute


def assert_failed_at_once(installed: Installed, job: str, code: int) -> None:
    """One pod, none after it, although the Job has four more tries."""
    assert installed.run(job) == "Failed"
    assert installed.reason(job) == "PodFailurePolicy"
    assert exit_codes(installed.pods.of_job(job)) == [code]
    assert installed.get("job", job)["spec"]["backoffLimit"] > 0
    assert installed.report(job)["exitCode"] == code


@contextmanager
def another_password(installed: Installed, url: str) -> Iterator[None]:
    """Somebody changed it in the database, and not in the Secret."""
    change = SQL("ALTER ROLE {} PASSWORD {}")
    execute(url, change.format(Identifier(WRITER), Literal("changed")))
    try:
        yield
    finally:
        password = installed.archive.passwords[WRITER]
        execute(url, change.format(Identifier(WRITER), Literal(password)))


@contextmanager
def swallowing(url: str, namespace: str) -> Iterator[None]:
    """A trigger lets rows of this namespace vanish without an error."""
    function = """
        CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF new.namespace = {} THEN RETURN NULL; END IF; RETURN new; END $$
    """
    execute(url, SQL(function).format(Literal(namespace)))
    execute(
        url,
        "CREATE TRIGGER swallow BEFORE INSERT ON archive.revision "
        "FOR EACH ROW EXECUTE FUNCTION swallow()",
    )
    try:
        yield
    finally:
        execute(url, "DROP FUNCTION swallow CASCADE")


def test_a_wrong_password_is_a_configuration_error(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(3))
    with another_password(installed, url):
        assert_failed_at_once(installed, "wrong-password", 78)
        log = installed.log("wrong-password")
        assert f'password authentication failed for user \\"{WRITER}\\"' in log
        assert "see the user, the password and pg_hba.conf" in log
    assert not any(map(is_marked, processings.all().values()))
    assert installed.run("right-password") == "Complete"
    assert_settled(url, processings, due)


@pytest.fixture
def archiver(installed: Installed, control_plane: Cluster) -> Iterator[KubeApi]:
    """The archiver's ServiceAccount."""
    api = KubeApi(control_plane.kubeconfig_for_service_account(NAMESPACE, SERVICE_ACCOUNT))
    yield api
    api.close()


def test_an_object_that_needs_a_person_fails_the_job_and_holds_up_no_other(
    installed: Installed, processings: Collection, admin: KubeApi, archiver: KubeApi
) -> None:
    url = installed.archive.url
    due = processings.create_all(range(10))
    refused, *others = due
    name = refused["metadata"]["name"]
    condition = f"object.metadata.name != '{name}'"
    with applied(admin, restriction(processings.namespace, condition)):
        path = f"{processings.path}/{name}"
        nothing: Object = {"metadata": {"labels": {}}}
        eventually(lambda: NAME in archiver.merge(path, nothing, dryRun="All").message)
        assert_failed_at_once(installed, "needs-a-person", 1)
    (problem,) = installed.document("needs-a-person")["problems"]
    assert problem["uid"] == refused["metadata"]["uid"]
    assert problem["reason"] == "mark-refused"
    assert NAME in problem["message"]
    assert_settled(url, processings, others)
    assert revisions(url, [refused])  # stored, and not marked
    assert not is_marked(processings.get(refused))
    assert installed.run("was-mended") == "Complete"
    assert_settled(url, processings, due)


def test_rows_that_vanish_are_a_failure_of_integrity(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(3))
    with swallowing(url, processings.namespace):
        assert_failed_at_once(installed, "swallowed", 65)
    assert not any(map(is_marked, processings.all().values()))
    assert revisions(url, due) == {}
    assert installed.run("not-swallowed") == "Complete"
    assert_settled(url, processings, due)
