"""However a run on kind ends, no cluster is left, and its tests have the last word."""

import os
import signal
import subprocess
import sys

import pytest

from image.folders import SETTLED
from tests.unit.node.kind_machine import CREATE, DELETE, LIMIT, NAME, Machine, wait_for
from tests.unit.processes import is_running


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


def test_a_command_that_a_signal_ended_is_told_as_a_shell_tells_it(machine: Machine) -> None:
    assert machine.run("--", "sh", "-c", "kill -TERM $$")[0] == 128 + signal.SIGTERM
    assert not machine.cluster


def test_what_the_command_started_ends_with_it(machine: Machine) -> None:
    process = machine.waiting("sh", "-c", "sleep 60 & echo $! > started; touch begun; wait")
    started = int((machine.folder / "started").read_text())
    process.terminate()
    process.communicate(timeout=LIMIT)
    wait_for(lambda: not is_running(started))


def test_a_container_that_docker_makes_after_the_end_of_kind_is_deleted(machine: Machine) -> None:
    (machine.folder / "late").touch()
    (machine.folder / "failing").touch()  # the first attempt, beside what is being made
    process = machine.waiting()
    process.terminate()
    process.communicate(timeout=LIMIT)
    assert process.returncode == 128 + signal.SIGTERM
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


def test_after_a_leftover_was_deleted_signals_count_again(machine: Machine) -> None:
    first = machine.waiting()
    first.kill()
    first.communicate(timeout=LIMIT)
    (machine.folder / "begun").unlink()
    test_a_run_that_is_told_to_end_deletes_its_cluster(machine, signal.SIGTERM, "command")
