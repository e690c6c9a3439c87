"""The same tests on a cluster of kind, where there is Docker.

    python -m tests.node.kind run [--archive ARCHIVE] --name IMAGE -- COMMAND …

kind brings the cluster, this brings the image onto it, from an archive or from Docker, and says
where both are, in the variables that any other cluster needs too. Nothing else differs.
"""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from image.scratch import scratch
from tests.controlplane.cache import cache_root
from tests.controlplane.parent import end_with_parent
from tests.controlplane.progress import say
from tests.node import gateway
from tests.node.creation import ENDING, create, launched, undisturbed
from tests.node.errors import NodeError
from tests.node.postgresql import ADDRESS
from tests.node.program import as_a_shell_says, path_of

CLUSTER = "archiver-e2e"
PREFIX = "archiver-kind-"
PROVIDER = "KIND_EXPERIMENTAL_PROVIDER"  # by which kind would make the cluster in another place
NODE = f"{CLUSTER}-control-plane"
GRACE = 60.0  # seconds; what the tests installed takes a quarter of it to be deleted
NEEDED = {
    "docker": "Docker (https://docs.docker.com/engine/install/), and the right to use it",
    "kind": "kind (https://kind.sigs.k8s.io): go install sigs.k8s.io/kind@latest",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command's exit code; 1 where there is no cluster to be had."""
    options = _parser().parse_args(arguments)
    try:
        _check_needs()
        return _run_command(options) if hasattr(options, "command") else 0
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.node.kind", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("needs", help="say what this machine lacks, if anything")
    run = commands.add_parser("run", help="make a cluster for a command's time")
    run.add_argument("--archive", type=Path, help="the image's; without it, it is Docker's")
    run.add_argument("--name", required=True, help="the image's name")
    run.add_argument("command", nargs="+")
    return parser


def _run_command(options: argparse.Namespace) -> int:
    for number in ENDING:  # unwinds, so that the cluster is deleted
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    command = [path_of(options.command[0]), *options.command[1:]]
    # With an administrator's certificate in it: a killed run's goes with the next.
    with scratch(PREFIX) as folder, _cluster(folder / "kubeconfig") as known:
        if options.archive:
            _run("kind", "load", "image-archive", "--name", CLUSTER, str(options.archive))
        else:
            _run("kind", "load", "docker-image", "--name", CLUSTER, options.name)
        environment = {**os.environ, **known, "ARCHIVER_TEST_IMAGE": options.name}
        return _beside(command, environment)


def _beside(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run it to its end; its exit code. It ends with this process, even if this one is killed.

    SIGINT is passed on, as the command may want to have the last word; a second one, or a minute,
    and it is killed.
    """
    # In a session of its own: Ctrl-C comes by way of this process, and once.
    process = subprocess.Popen(launched(*command), env=environment, start_new_session=True)
    try:
        return as_a_shell_says(process.wait())
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        say(f"kind: waiting for the command's end, {GRACE:.0f} s at most; Ctrl-C again kills it")
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        raise
    finally:
        with suppress(ProcessLookupError):  # what it started as well
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _check_needs() -> None:
    provider = os.environ.get(PROVIDER) or "docker"
    if provider != "docker":
        raise NodeError(f"{PROVIDER}={provider}: make e2e-kind asks Docker alone, so unset it")
    missing = [how for program, how in NEEDED.items() if shutil.which(program) is None]
    if not missing:
        _run("docker", "info")  # its words, where no daemon answers or not to this user
    if missing:
        lines = "\n".join(f"  - {how}" for how in missing)
        raise NodeError(f"make e2e-kind needs:\n{lines}\nWithout them, on Linux: make e2e-node")
    gateway.check()


@contextmanager
def _cluster(kubeconfig: Path) -> Iterator[dict[str, str]]:
    """A cluster for the time of the context; the variables that tell of it."""
    with _the_only_one() as made:
        _delete_leftover(made)
        made.touch()  # before: a creation may be cut off in the middle
        try:
            say("kind: creating a cluster, a minute or two")
            create(
                [path_of("kind"), "create", "cluster", "--name", CLUSTER,
                 "--kubeconfig", str(kubeconfig), "--wait", "180s"],
                _delete_cluster,
            )  # fmt: skip
            yield {
                "ARCHIVER_TEST_KUBECONFIG": str(kubeconfig),
                ADDRESS: gateway.address(),
                "ARCHIVER_TEST_RESTART_NODE": f"docker restart {NODE}",
                "ARCHIVER_TEST_RESTART_KUBELET": f"docker exec {NODE} systemctl restart kubelet",
            }
        finally:
            _delete(made)


@contextmanager
def _the_only_one() -> Iterator[Path]:
    """The file that is there as long as a cluster of ours may be. Raises NodeError for a second."""
    made = cache_root() / f"kind-{CLUSTER}"
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another `make e2e-kind` is running, and there is one cluster {CLUSTER}"
            raise NodeError(f"{message}: wait for its end") from None
        yield made


def _delete_leftover(made: Path) -> None:
    """Delete what a run left that was killed. Raises NodeError if the cluster is another's."""
    if CLUSTER not in _run("kind", "get", "clusters").split():
        return
    if not made.exists():
        raise NodeError(
            f"there is a kind cluster {CLUSTER} which no run of these tests on this account made: "
            f"if nobody needs it, kind delete cluster --name {CLUSTER}"
        )
    say("kind: deleting the cluster that an earlier run left")
    _delete(made)


def _delete(made: Path) -> None:
    with undisturbed():
        _delete_cluster()
        made.unlink(missing_ok=True)


def _delete_cluster() -> None:
    _run("kind", "delete", "cluster", "--name", CLUSTER)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NodeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
