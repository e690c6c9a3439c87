"""A control plane for a person: `python -m tests.controlplane up`."""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence

from tests.controlplane.binaries import find_binaries
from tests.controlplane.build import DURATION, build
from tests.controlplane.cache import binaries_folder
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.parent import end_with_parent
from tests.controlplane.pin import pin
from tests.controlplane.versions import (
    VARIABLE,
    Version,
    current_version,
    known_versions,
    minor_of,
    requested_minor,
    resolve,
)

CHECK_EVERY = 1.0  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; its exit code."""
    options = _parser().parse_args(arguments)
    # `kill` and a closed terminal end the servers as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))
    try:
        options.command(options)
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    version = argparse.ArgumentParser(add_help=False)
    version.add_argument(
        "--version",
        metavar="MINOR",
        help=f"Kubernetes minor release: {' or '.join(known_versions())} (default: the variable "
        f"{VARIABLE}, else {current_version().minor})",
    )
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", parents=[version], help="start one; Ctrl-C ends it")
    up.set_defaults(command=_up)

    prebuild = commands.add_parser("build", parents=[version], help="build what is not built yet")
    prebuild.add_argument("--all", action="store_true", help="every known version")
    prebuild.add_argument("name", nargs="*", type=_name, help=f"only these: {', '.join(DURATION)}")
    prebuild.set_defaults(command=_build)

    path = commands.add_parser("path", parents=[version], help="the folder of the binaries")
    path.set_defaults(command=lambda options: _say(str(binaries_folder(_version(options)))))

    pinning = commands.add_parser("pin", help="write go.mod and go.sum of another release")
    pinning.add_argument("release", metavar="1.X.Y")
    pinning.set_defaults(command=lambda options: _say(str(pin(options.release))))
    return parser


def _up(options: argparse.Namespace) -> None:
    with ControlPlane.start(options.version) as control_plane:
        introduce(control_plane)
        while True:
            for process in control_plane.processes():
                process.check()
            time.sleep(CHECK_EVERY)


def introduce(control_plane: ControlPlane) -> None:
    """Say to a person how to get in."""
    _say(f"Kubernetes {control_plane.version} is running at {control_plane.server}")
    for process in control_plane.processes():
        _say(f"  {process.name:<24} pid {process.pid:<8} {process.log}")
    _say("\nIn another terminal:")
    _say(f"  export KUBECONFIG={control_plane.kubeconfig}")
    # Else kubectl keeps what it learns of this API server in ~/.kube, for good.
    _say(f"  export KUBECACHEDIR={control_plane.workdir / 'kubectl-cache'}")
    _say(f"  {_kubectl(control_plane)} get namespaces")
    _say("  archiver run --dry-run=client")
    _say("\nCtrl-C ends it and deletes everything in it.")


def _kubectl(control_plane: ControlPlane) -> str:
    if shutil.which("kubectl"):
        return "kubectl"
    version = known_versions().get(minor_of(control_plane.version), current_version())
    built = binaries_folder(version) / "kubectl"
    if not built.exists():
        _say(f"  python -m tests.controlplane build kubectl --version {version.minor}")
    return str(built)


def _build(options: argparse.Namespace) -> None:
    versions = known_versions().values() if options.all else [_version(options)]
    for version in versions:
        for name in options.name:
            _say(str(build(name, version)))
        if not options.name:
            _say(str(find_binaries(version.minor).kube_apiserver.parent))


def _name(text: str) -> str:
    if text not in DURATION:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(DURATION)}")
    return text


def _version(options: argparse.Namespace) -> Version:
    return resolve(requested_minor(options.version))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
