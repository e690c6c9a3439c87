"""What runs in the namespaces: a control plane, a node, and a command that uses them.

With a command, its exit code is ours. Without one, a person is told how to get in.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.controlplane import ControlPlane, ControlPlaneError
from tests.node import mounts, network
from tests.node.kubectl import Kubectl, build_kubectl
from tests.node.node import APISERVER_FLAGS, Node
from tests.node.packages import find_programs
from tests.node.visit import receive

PAUSE = 0.2  # seconds


def main() -> int:
    """Its exit code."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    mounts.cover(options.folder)
    network.connect()
    try:
        with ExitStack() as stack:
            return _use(options, stack)
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--version")
    parser.add_argument("--image", type=Path, action="append", default=[])
    # Descriptors of sockets that listen on the machine's loopback.
    parser.add_argument("--apiserver-socket", type=int)
    parser.add_argument("--postgres-socket", type=int)
    parser.add_argument("command", nargs="*")
    return parser.parse_args()


def _use(options: argparse.Namespace, stack: ExitStack) -> int:
    control_plane = stack.enter_context(
        ControlPlane.start(options.version, apiserver_flags=APISERVER_FLAGS)
    )
    node = Node.start(control_plane, find_programs(), options.folder)
    node.record_processes()
    images = [name for file in options.image for name in node.containerd.import_image(file)]
    if not options.command:
        kubectl = Kubectl(build_kubectl(control_plane.version), control_plane.kubeconfig)
        sockets = (options.apiserver_socket, options.postgres_socket)
        stack.enter_context(receive(control_plane, kubectl, sockets, images))
        return _tend(node, None)
    known = _known(control_plane, options.folder, images)
    return _tend(node, subprocess.Popen(options.command, env={**os.environ, **known}))


def _known(control_plane: ControlPlane, folder: Path, images: Sequence[str]) -> dict[str, str]:
    """What the tests have to know of a cluster. Of any other one, a person says it."""
    restart = [sys.executable, "-m", "tests.node.restart", str(folder)]
    return {
        "ARCHIVER_TEST_KUBECONFIG": str(control_plane.kubeconfig),
        "ARCHIVER_TEST_IMAGE": next(iter(images), ""),
        "ARCHIVER_TEST_DATABASE_ADDRESS": network.ADDRESS,
        "ARCHIVER_TEST_RESTART_NODE": shlex.join(restart),
    }


def _tend(node: Node, command: "subprocess.Popen[bytes] | None") -> int:
    while command is None or command.poll() is None:
        node.tend()
        time.sleep(PAUSE)
    return command.returncode


if __name__ == "__main__":
    sys.exit(main())
