"""The end of a Job, as it is waited for while the API server itself comes and goes."""

from pathlib import Path
from unittest.mock import create_autospec

import pytest

from tests.e2e.node.history import PodHistory
from tests.e2e.node.installed import Installed
from tests.node.errors import NodeError
from tests.node.kubectl import Kubectl
from tests.node.postgresql import Archive

NOT_READY = (
    "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host?",
    'Error from server (Forbidden): jobs.batch "run" is forbidden: User "kubernetes-admin" cannot '
    'get resource "jobs" in API group "batch"',
)
ENDED = '{"status": {"conditions": [{"type": "Complete", "status": "True", "reason": "Done"}]}}'
# Says what is in `refusals`, and nothing of it twice; then that the Job has ended.
KUBECTL = """\
#!/bin/sh
cd "${0%/*}"
if read -r refusal < refusals; then
  sed -i.before 1d refusals
  echo "$refusal" >&2
  exit 1
fi
cat job
"""


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    (tmp_path / "job").write_text(ENDED)
    kubectl = Kubectl(program, tmp_path / "kubeconfig", tmp_path / "cache")
    return Installed(kubectl, create_autospec(Archive), create_autospec(PodHistory), {})


@pytest.mark.parametrize("words", NOT_READY)
def test_an_api_server_that_is_not_ready_is_waited_for(
    installed: Installed, tmp_path: Path, words: str
) -> None:
    (tmp_path / "refusals").write_text(f"{words}\n{words}\n")
    assert installed.ended("run", 20) == "Complete"


@pytest.mark.parametrize("words", NOT_READY)
def test_once_the_job_has_ended_it_has_to_answer(
    installed: Installed, tmp_path: Path, words: str
) -> None:
    (tmp_path / "refusals").write_text(f"{words}\n")
    with pytest.raises(NodeError, match="kubectl"):
        installed.reason("run")


def test_a_job_that_is_not_there_is_not_waited_for(installed: Installed, tmp_path: Path) -> None:
    missing = 'Error from server (NotFound): jobs.batch "run" not found'
    (tmp_path / "refusals").write_text(f"{missing}\n" * 2)
    with pytest.raises(NodeError, match="NotFound"):
        installed.ended("run", 20)
