"""A run that outlives its token.

The kubelet replaces a pod's token after four fifths of its life and the API server gives none for
less than ten minutes, so that the whole of it takes twelve. One that restarts has forgotten the
tokens it gave out, and replaces them at once: the same file, replaced in the same way.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.deploy.installation import applied
from tests.e2e.deploy.kube_api import KubeApi, Object
from tests.e2e.node.history import exit_codes
from tests.e2e.node.installed import Change, Installed
from tests.e2e.node.restriction import NAME, restriction
from tests.e2e.node.settled import assert_settled
from tests.e2e.node.target import Target
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.waiting import eventually
from tests.node.errors import NodeError

READ = "print(open('/var/run/secrets/kubernetes.io/serviceaccount/token').read())"
# The client library looks at the file once a minute; what it read is used for 20 seconds.
UNTIL_NOTICED = 82  # marks, one a second
# From the first mark on until what is to happen then has happened, on a busy machine; and the rest.
AFTER_THAT = 60
SHORTEST = 600  # seconds; what the API server allows
LONGER = 700  # marks, one a second


def marked(processings: Collection) -> int:
    return sum(map(is_marked, processings.all().values()))


def token_in(installed: Installed, pod: Object) -> str:
    """The token in the pod's file; "" while nobody answers for the pod."""
    try:
        return installed.in_pod(pod, READ).strip()
    except NodeError:
        return ""


def not_with(token: str) -> str:
    """CEL: the request was made with another token than this one.

    https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    """
    payload = token.split(".")[1]
    identity = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
    key = "'authentication.kubernetes.io/credential-id'"
    return f"!('JTI={identity}' in request.userInfo.extra[{key}])"


@dataclass(frozen=True, slots=True)
class Rotated:
    """A run (the name of its Job) in the middle of its work, and the token that it began with."""

    job: str
    first: str


@pytest.fixture
def rotated(installed: Installed, processings: Collection, target: Target) -> Rotated:
    """A run of a mark a second, whose token was replaced."""
    processings.create_all(range(UNTIL_NOTICED + AFTER_THAT), context_bytes=0)
    installed.start("rotated", Change({"ARCHIVER_MAX_MARKS_PER_SECOND": "1"}))
    eventually(lambda: marked(processings) > 0)
    (pod,) = installed.pods.of_job("rotated")
    first = token_in(installed, pod)
    assert first
    subprocess.run(target.restart_kubelet, check=True)
    eventually(lambda: token_in(installed, pod) not in (first, ""))
    return Rotated("rotated", first)


@pytest.fixture
def thief(rotated: Rotated, target: Target, tmp_path: Path) -> Iterator[KubeApi]:
    """Somebody with the first token, which is still valid."""
    content = yaml.safe_load(target.kubeconfig.read_text())
    for entry in content["users"]:
        entry["user"] = {"token": rotated.first}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(content))
    api = KubeApi(file)
    yield api
    api.close()


@pytest.mark.needs_kubelet_restart
def test_a_run_goes_on_with_the_next_token(
    installed: Installed, processings: Collection, rotated: Rotated, thief: KubeApi
) -> None:
    noticed = marked(processings) + UNTIL_NOTICED
    eventually(lambda: marked(processings) >= noticed, 2 * UNTIL_NOTICED)
    due = list(processings.all().values())
    path = f"{processings.path}/{due[0]['metadata']['name']}"
    # From here on the first token is good for nothing: the run has another, or fails.
    with applied(processings.api, restriction(processings.namespace, not_with(rotated.first))):
        nothing: Object = {"metadata": {"labels": {}}}
        eventually(lambda: NAME in thief.merge(path, nothing, dryRun="All").message)
        assert marked(processings) < len(due)
        assert installed.ended(rotated.job) == "Complete"
    assert exit_codes(installed.pods.of_job(rotated.job)) == [0]
    assert_settled(installed.archive.url, processings, due)


@pytest.mark.long
def test_a_run_survives_the_end_of_its_token(
    installed: Installed, processings: Collection, url: str
) -> None:
    due = processings.create_all(range(LONGER), context_bytes=0)
    installed.start(
        "outlives", Change({"ARCHIVER_MAX_MARKS_PER_SECOND": "1"}, token_lifetime=SHORTEST)
    )
    assert installed.ended("outlives", 2 * SHORTEST) == "Complete"
    assert exit_codes(installed.pods.of_job("outlives")) == [0]
    assert installed.report("outlives")["seconds"] > SHORTEST
    assert_settled(url, processings, due)
