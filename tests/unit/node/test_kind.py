"""What is asked of kind and Docker, by programs in their place."""

from dataclasses import replace

import pytest

from tests.node.kind import CLUSTER, NODE, PROVIDER
from tests.node.postgresql import ADDRESS
from tests.postgres.relay import LOOPBACK
from tests.unit.node.kind_machine import CREATE, DELETE, LIMIT, NAME, Machine

# An address that no machine has (RFC 5737).
ELSEWHERE = "192.0.2.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - which is refused


def test_the_archive_gets_onto_the_cluster_and_the_command_is_told_where(machine: Machine) -> None:
    code, _ = machine.run("--archive", "a.tar", "--", "sh", "-c", "env > seen; exit 3")
    assert code == 3
    info, early, _, create, network, load, delete = machine.calls
    assert info == "docker info"
    assert early.startswith("docker network inspect kind bridge")
    assert create.startswith(CREATE)
    assert create.endswith("--wait 180s")
    assert network.startswith("docker network inspect kind --format")
    assert load == f"kind load image-archive --name {CLUSTER} a.tar"
    assert delete == DELETE
    seen = dict(
        line.partition("=")[::2] for line in (machine.folder / "seen").read_text().splitlines()
    )
    told = {name: text for name, text in seen.items() if name.startswith("ARCHIVER_TEST")}
    assert told.pop("ARCHIVER_TEST_KUBECONFIG") == create.split()[6]
    assert told == {
        "ARCHIVER_TEST_IMAGE": NAME,
        ADDRESS: LOOPBACK,
        "ARCHIVER_TEST_RESTART_NODE": f"docker restart {NODE}",
        "ARCHIVER_TEST_RESTART_KUBELET": f"docker exec {NODE} systemctl restart kubelet",
    }


def test_without_an_archive_the_image_is_dockers(machine: Machine) -> None:
    assert machine.run("--", "true")[0] == 0
    assert f"kind load docker-image --name {CLUSTER} {NAME}" in machine.calls
    assert not machine.cluster


def test_a_command_that_is_not_there_is_told_before_a_cluster_is_made(machine: Machine) -> None:
    code, said = machine.run("--", "no-such-command", "argument")
    assert code == 1
    assert said == "there is no program no-such-command to run on the cluster\n"
    assert not any(call.startswith("kind") for call in machine.calls)


def test_a_cluster_of_somebody_else_is_left_alone(machine: Machine) -> None:
    (machine.folder / "clusters").write_text(f"{CLUSTER}\n")
    code, said = machine.run("--", "true")
    assert code == 1
    assert DELETE in said
    assert DELETE not in machine.calls
    assert machine.cluster


def test_a_second_run_leaves_the_cluster_of_the_first_alone(machine: Machine) -> None:
    first = machine.waiting()
    code, said = machine.run("--", "true")
    assert code == 1
    assert "another `make e2e-kind` is running" in said
    assert machine.cluster
    first.terminate()
    first.communicate(timeout=LIMIT)


def test_a_daemon_that_does_not_answer_is_told_with_its_words(machine: Machine) -> None:
    (machine.folder / "docker").write_text("#!/bin/sh\necho no daemon >&2; exit 1\n")
    code, said = machine.run("--", "true")
    assert code == 1
    assert "no daemon" in said
    assert not any(call.startswith(CREATE) for call in machine.calls)


def test_a_cluster_is_not_made_where_docker_knows_nothing_of_it(machine: Machine) -> None:
    code, said = replace(machine, provider="podman").run("--", "true")
    assert code == 1
    assert f"{PROVIDER}=podman" in said
    assert machine.calls == []
    assert replace(machine, provider="docker").run("--", "true")[0] == 0


def test_a_gateway_that_is_on_another_machine_is_told_before_a_cluster_is_made(
    machine: Machine,
) -> None:
    (machine.folder / "gateway").write_text(ELSEWHERE)
    code, said = machine.run("--", "true")
    assert code == 1
    assert f"cannot listen on {ELSEWHERE}" in said
    assert f"set {ADDRESS} to another address" in said
    assert not any(call.startswith("kind") for call in machine.calls)


def test_an_address_that_is_said_wins(machine: Machine) -> None:
    (machine.folder / "gateway").write_text(ELSEWHERE)
    by_a_person = replace(machine, address=LOOPBACK)
    told = f'test "${ADDRESS}" = {LOOPBACK}'
    assert by_a_person.run("--", "sh", "-c", told)[0] == 0


@pytest.mark.parametrize("address", [ELSEWHERE, "nonsense", "::1", EVERYWHERE])
def test_an_address_that_is_said_is_tried_before_a_cluster_is_made(
    machine: Machine, address: str
) -> None:
    code, said = replace(machine, address=address).run("--", "true")
    assert code == 1
    assert address in said
    assert ADDRESS in said
    assert not any(call.startswith("kind") for call in machine.calls)


def test_as_long_as_docker_says_no_gateway_the_cluster_is_made(machine: Machine) -> None:
    (machine.folder / "gateway").write_text("")
    code, said = machine.run("--", "true")
    assert code == 1
    assert "has no IPv4 gateway" in said
    assert machine.calls[-1] == DELETE
