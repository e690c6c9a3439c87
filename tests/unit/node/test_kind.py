"""What is asked of kind and Docker, by programs in their place, and that no cluster is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from image.folders import SETTLED
from tests.node.kind import CLUSTER, NODE, PROVIDER
from tests.node.postgresql import ADDRESS
from tests.postgres.relay import LOOPBACK

NAME = "kubernaut-archiver:1.0"
# An address that no machine has (RFC 5737).
ELSEWHERE = "192.0.2.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - which is refused
CREATE = f"kind create cluster --name {CLUSTER} --kubeconfig"
DELETE = f"kind delete cluster --name {CLUSTER}"
LIMIT = 30.0  # seconds

KIND = """\
#!/bin/sh
echo "kind $*" >> calls
case "$1 $2" in
  "get clusters") cat clusters 2> clusters.err || true ;;
  "create cluster")
    test ! -e late || { (sleep 2; echo archiver-e2e > clusters; touch made) & touch begun; wait; }
    echo archiver-e2e > clusters; test ! -e slow || exec sleep 60 ;;
  "delete cluster") rm -f clusters ;;
esac
"""
DOCKER = """\
#!/bin/sh
echo "docker $*" >> calls
case "$1" in
  network) echo "invalid IP fc00:f853:ccd:e793::1/64 $(cat gateway) " ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One with the stand-ins, in a folder of its own."""

    folder: Path
    address: str = ""  # that a person says
    provider: str = ""

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A run of the tests there."""
        command = [sys.executable, "-m", "tests.node.kind", "run", "--name", NAME, *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder}:{os.environ['PATH']}"
        folders = {"XDG_CACHE_HOME": str(self.folder / "cache"), "TMPDIR": str(self.temporary)}
        own = {**folders, "PATH": path, "PYTHONPATH": str(Path.cwd())}
        return {**os.environ, **own, ADDRESS: self.address, PROVIDER: self.provider}

    def run(self, *arguments: str) -> tuple[int, str]:
        """One to its end: exit code, and what it says."""
        process = self.start(*arguments)
        _, said = process.communicate(timeout=LIMIT)
        return process.returncode, said

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def cluster(self) -> bool:
        return (self.folder / "clusters").exists()

    def waiting(self, *command: str) -> "subprocess.Popen[str]":
        """A run in the middle of its command, or of what the stand-in for kind waits for."""
        process = self.start("--", *(command or ("sh", "-c", "touch begun; exec sleep 60")))
        begun = self.folder / ("clusters" if (self.folder / "slow").exists() else "begun")
        wait_for(begun.exists)
        return process


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name, text in (("kind", KIND), ("docker", DOCKER)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "gateway").write_text(LOOPBACK)
    (tmp_path / "temporary").mkdir()
    return Machine(tmp_path)


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


@pytest.mark.parametrize(
    ("number", "during"),
    [
        (signal.SIGTERM, "command"),
        (signal.SIGINT, "command"),
        (signal.SIGTERM, "creation"),
        (signal.SIGHUP, "creation"),
    ],
)
def test_a_run_that_is_told_to_end_deletes_its_cluster(
    machine: Machine, number: signal.Signals, during: str
) -> None:
    if during == "creation":
        (machine.folder / "slow").touch()
    process = machine.waiting()
    process.send_signal(number)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 128 + number
    assert machine.calls[-1] == DELETE
    assert not machine.cluster


def test_the_command_has_the_last_word(machine: Machine) -> None:
    process = machine.waiting(
        "sh", "-c", "trap 'sleep 1; touch word; exit' INT; touch begun; while :; do sleep 0.1; done"
    )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert (machine.folder / "word").exists()
    assert not machine.cluster


def test_a_container_that_docker_makes_after_the_end_of_kind_is_deleted(machine: Machine) -> None:
    (machine.folder / "late").touch()
    process = machine.waiting()
    process.terminate()
    process.communicate(timeout=LIMIT)
    wait_for((machine.folder / "made").exists)
    assert not machine.cluster


def test_a_run_ends_with_the_process_that_started_it(machine: Machine) -> None:
    run = [sys.executable, "-m", "tests.node.kind", "run", "--name", NAME, "--",
           "sh", "-c", "touch begun; exec sleep 60"]  # fmt: skip
    calls = f"import subprocess; subprocess.run({run!r})"
    starter = subprocess.Popen(
        [sys.executable, "-c", calls], cwd=machine.folder, env=machine.environment
    )
    wait_for((machine.folder / "begun").exists)
    starter.kill()
    starter.wait()
    wait_for(lambda: not machine.cluster)


def test_what_a_killed_run_left_is_deleted_by_the_next(machine: Machine) -> None:
    process = machine.waiting()
    process.kill()
    process.communicate(timeout=LIMIT)
    assert machine.cluster
    assert machine.run("--", "true")[0] == 0
    creations = [n for n, call in enumerate(machine.calls) if call.startswith(CREATE)]
    assert DELETE in machine.calls[creations[0] : creations[1]]
    assert not machine.cluster


def test_the_kubeconfig_of_a_killed_run_is_deleted_by_the_next(machine: Machine) -> None:
    process = machine.waiting()
    process.kill()
    process.communicate(timeout=LIMIT)
    (left,) = machine.temporary.iterdir()
    assert any(str(left / "kubeconfig") in call for call in machine.calls)
    past = left.stat().st_mtime - SETTLED - 1
    os.utime(left, (past, past))
    assert machine.run("--", "true")[0] == 0
    assert list(machine.temporary.iterdir()) == []


def test_a_command_that_is_not_there_is_told_before_a_cluster_is_made(machine: Machine) -> None:
    code, said = machine.run("--", "no-such-command", "argument")
    assert code == 1
    assert said == "there is no program no-such-command to run on the cluster\n"
    assert not any(call.startswith("kind") for call in machine.calls)


def test_after_a_leftover_was_deleted_signals_count_again(machine: Machine) -> None:
    first = machine.waiting()
    first.kill()
    first.communicate(timeout=LIMIT)
    (machine.folder / "begun").unlink()
    test_a_run_that_is_told_to_end_deletes_its_cluster(machine, signal.SIGTERM, "command")


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
