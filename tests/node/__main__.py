"""A cluster with a node: for a person, or for one command that runs beside it."""

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.controlplane import ControlPlaneError, find_binaries
from tests.controlplane.parent import end_with_parent
from tests.controlplane.versions import minor_of, resolve
from tests.node.enclosure import enclosed
from tests.node.janitor import tidied
from tests.node.kubectl import build_kubectl
from tests.node.needs import check_needs
from tests.node.node import build_servers
from tests.node.packages import Programs, find_programs
from tests.node.place import Place
from tests.node.program import path_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; its exit code."""
    options = _parser().parse_args(arguments)
    try:
        check_needs(build_image=getattr(options, "build_image", False))
        return _run(options) if hasattr(options, "command") else 0
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--version", metavar="MINOR", help="Kubernetes minor release")
    common.add_argument(
        "--image", metavar="ARCHIVE", type=Path, action="append", default=[],
        help="OCI archive to put on the node",
    )  # fmt: skip
    parser = argparse.ArgumentParser(prog="python -m tests.node", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    needs = commands.add_parser("needs", help="say what this machine lacks, if anything")
    needs.add_argument("--build-image", action="store_true", help="the image is to be built here")
    up = commands.add_parser("up", parents=[common], help="start one; Ctrl-C ends it")
    up.set_defaults(command=[])
    run = commands.add_parser("run", parents=[common], help="start one for a command's time")
    run.add_argument("command", nargs="+", metavar="COMMAND", help="finds ARCHIVER_TEST_* set")
    return parser


def _run(options: argparse.Namespace) -> int:
    command = [path_of(options.command[0]), *options.command[1:]] if options.command else []
    # All that takes the network is done here, since inside there is none; first what fails soonest.
    programs = find_programs()
    version = resolve(minor_of(find_binaries(options.version).release))
    build_servers(version)
    build_kubectl(version.release)
    images = [path for archive in options.image for path in ("--image", str(archive.resolve()))]
    with ExitStack() as stack:
        place, janitor = stack.enter_context(tidied())
        sockets = []
        for name in () if command else ("--apiserver-socket", "--postgres-socket"):
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            sockets.append((name, listening))
        described = [text for name, s in sockets for text in (name, str(s.fileno()))]
        inside = [sys.executable, "-m", "tests.node.inside", f"--folder={place.path}",
                  f"--version={version.minor}", *images, *described]  # fmt: skip
        if command:
            inside += ["--", *command]
        environment = _environment(place, programs)
        return enclosed((place, janitor), inside, environment, [s for _, s in sockets])


def _environment(place: Place, programs: Programs) -> dict[str, str]:
    temporary = place.path / "tmp"
    temporary.mkdir()
    temporary.chmod(0o711)  # whatever the umask is
    path = os.pathsep.join([*map(str, programs.path), os.environ.get("PATH", os.defpath)])
    # There is no outside that a proxy could be the way to.
    return {"PATH": path, "TMPDIR": str(temporary), "NO_PROXY": "*", "no_proxy": "*"}


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
