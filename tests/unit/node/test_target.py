"""Which cluster the tests run on."""

from pathlib import Path

from tests.e2e.node import target as variables
from tests.e2e.node.target import Target

NAMED = {
    variables.KUBECONFIG: "/k",
    variables.IMAGE: "archiver:1.0",
    variables.ADDRESS: "10.1.2.3",
}


def test_a_cluster_is_named_by_three_variables() -> None:
    assert Target.named(NAMED) == Target(Path("/k"), "archiver:1.0", "10.1.2.3", [], [])


def test_with_one_of_them_missing_there_is_none() -> None:
    for name in NAMED:
        assert Target.named({**NAMED, name: ""}) is None


def test_a_restart_is_a_command() -> None:
    restarts = {
        variables.RESTART: "docker restart 'a node'",
        variables.RESTART_KUBELET: "docker exec 'a node' systemctl restart kubelet",
    }
    named = Target.named({**NAMED, **restarts})
    assert named is not None
    assert named.restart == ["docker", "restart", "a node"]
    assert named.restart_kubelet == ["docker", "exec", "a node", "systemctl", "restart", "kubelet"]
