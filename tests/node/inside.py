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
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from tests.controlplane import ControlPlane, ControlPlaneError
from tests.node import mounts, network
from tests.node.kubectl import Kubectl, build_kubectl
from tests.node.node import APISERVER_FLAGS, Node
from tests.node.packages import find_programs
from tests.node.visit import receive
from tests.postgres.errors import PostgresError

PAUSE = 0.2  # seconds


def main() -> NoReturn:
    """End with the exit code."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    # What a shell starts in the background would ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What containerd unpacks is passed by the image's user, and /run by PostgreSQL's.
    theirs = os.umask(0o022)
    try:
        mounts.cover(options.folder)
        network.connect()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"A node cannot have files or a network of its own here: {error}")
    # Never closed: an orderly end of all servers takes ten seconds, and whatever state a visitor
    # left them in, they end with the namespaces, at once.
    code = _run(options, ExitStack(), theirs)
    sys.stdout.flush()
    os._exit(code)


def _run(options: argparse.Namespace, stack: ExitStack, umask: int) -> int:
    try:
        # It was kept waiting until there is somebody to take it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        return _use(options, stack, umask)
    except KeyboardInterrupt:
        # For a visitor it is the way to end; else as a shell reports SIGINT.
        return 130 if options.command else 0
    except (ControlPlaneError, PostgresError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except SystemExit as end:
        return int(end.code or 0)


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


def _use(options: argparse.Namespace, stack: ExitStack, umask: int) -> int:
    control_plane = stack.enter_context(
        ControlPlane.start(options.version, apiserver_flags=APISERVER_FLAGS)
    )
    node = Node.start(control_plane, find_programs(), options.folder)
    node.record_processes()
    images = [name for file in options.image for name in node.containerd.import_image(file)]
    if not options.command:
        kubeconfig, cache = control_plane.kubeconfig, options.folder / "kubectl"
        kubectl = Kubectl(build_kubectl(control_plane.version), kubeconfig, cache)
        sockets = (options.apiserver_socket, options.postgres_socket)
        switch = stack.enter_context(receive(control_plane, kubectl, sockets, images))
        _tend(node, switch.tend)
        return 0
    known = _known(control_plane, options.folder, images)
    command = subprocess.Popen(options.command, env={**os.environ, **known}, umask=umask)
    try:
        _tend(node, lambda: command.poll() is None)
    except KeyboardInterrupt:
        command.send_signal(signal.SIGINT)
        command.wait()  # its last words
        raise
    return command.returncode


def _known(control_plane: ControlPlane, folder: Path, images: Sequence[str]) -> dict[str, str]:
    """What the tests have to know of a cluster. Of any other one, a person says it."""
    restart = [sys.executable, "-m", "tests.node.restart", str(folder)]
    return {
        "ARCHIVER_TEST_KUBECONFIG": str(control_plane.kubeconfig),
        "ARCHIVER_TEST_IMAGE": next(iter(images), ""),
        "ARCHIVER_TEST_DATABASE_ADDRESS": network.ADDRESS,
        "ARCHIVER_TEST_RESTART_NODE": shlex.join(restart),
        "ARCHIVER_TEST_RESTART_KUBELET": shlex.join([*restart, "kubelet"]),
    }


def _tend(node: Node, go_on: Callable[[], bool]) -> None:
    while go_on():
        node.tend()
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
