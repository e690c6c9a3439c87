"""The same tests on a cluster of kind, where there is Docker.

    python -m tests.node.kind run --image ARCHIVE --name IMAGE -- COMMAND …

kind brings the cluster, this brings the image onto it and says where both are, in the variables
that any other cluster needs too. Nothing else differs.
"""

import argparse
import ipaddress
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane.progress import say
from tests.node.errors import NodeError

CLUSTER = "archiver-e2e"
NODE = f"{CLUSTER}-control-plane"
NEEDED = {
    "docker": "Docker (https://docs.docker.com/engine/install/), and the right to use it",
    "kind": "kind (https://kind.sigs.k8s.io): go install sigs.k8s.io/kind@latest",
}


def main() -> int:
    """The command's exit code; 1 where there is no cluster to be had."""
    options = _parser().parse_args()
    try:
        _check_needs()
        return _run_command(options) if hasattr(options, "command") else 0
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.node.kind", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("needs", help="say what this machine lacks, if anything")
    run = commands.add_parser("run", help="make a cluster for a command's time")
    run.add_argument("--image", type=Path, required=True, help="OCI archive")
    run.add_argument("--name", required=True, help="the image's name in it")
    run.add_argument("command", nargs="+")
    return parser


def _run_command(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder, _cluster(Path(folder, "kubeconfig")) as known:
        _run("kind", "load", "image-archive", "--name", CLUSTER, str(options.image))
        environment = {**os.environ, **known, "ARCHIVER_TEST_IMAGE": options.name}
        return subprocess.run(options.command, env=environment, check=False).returncode


def _check_needs() -> None:
    missing = [how for program, how in NEEDED.items() if shutil.which(program) is None]
    if not missing:
        _run("docker", "info")  # its words, where no daemon answers or not to this user
    if missing:
        lines = "\n".join(f"  - {how}" for how in missing)
        raise NodeError(f"make e2e-kind needs:\n{lines}\nWithout them, on Linux: make e2e-node")


@contextmanager
def _cluster(kubeconfig: Path) -> Iterator[dict[str, str]]:
    """A cluster for the time of the context; the variables that tell of it."""
    say("kind: creating a cluster, a minute or two")
    _run("kind", "create", "cluster", "--name", CLUSTER, "--kubeconfig", str(kubeconfig),
         "--wait", "180s")  # fmt: skip
    try:
        yield {
            "ARCHIVER_TEST_KUBECONFIG": str(kubeconfig),
            "ARCHIVER_TEST_DATABASE_ADDRESS": _gateway(),
            "ARCHIVER_TEST_RESTART_NODE": f"docker restart {NODE}",
        }
    finally:
        _run("kind", "delete", "cluster", "--name", CLUSTER)


def _gateway() -> str:
    """This machine's address in kind's network."""
    gateways = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
    for text in _run("docker", "network", "inspect", "kind", "--format", gateways).split():
        if ipaddress.ip_address(text).version == 4:
            return text
    raise NodeError("the Docker network `kind` has no IPv4 gateway: pods cannot reach this machine")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NodeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
