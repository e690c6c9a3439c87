"""A node for a person: how to get in from the machine, and what is there."""

import json
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.pki import write_private
from tests.node import postgresql
from tests.node.kubectl import Kubectl
from tests.node.network import ADDRESS
from tests.postgres.relay import Relay


@contextmanager
def receive(
    control_plane: ControlPlane, kubectl: Kubectl, sockets: Sequence[int], images: Sequence[str]
) -> Iterator[None]:
    """Start PostgreSQL, open the sockets, and say how to use all of it."""
    apiserver, postgres = (socket.socket(fileno=descriptor) for descriptor in sockets)
    with postgresql.archive(kubectl, ADDRESS) as archive:
        port = Relay(apiserver, int(control_plane.server.rpartition(":")[2])).port
        database_port = Relay(postgres, archive.server.port).port
        folder = control_plane.workdir
        kubeconfig = _kubeconfig(control_plane, folder / "visitor.kubeconfig", port)
        write_private(folder / "ca.crt.postgresql", archive.authority.encode())
        for user, password in archive.passwords.items():
            write_private(folder / f"password.{user}", password.encode())
        program = "kubectl" if shutil.which("kubectl") else kubectl.program
        _say(f"Kubernetes {control_plane.version} with one node is running. In another terminal:\n")
        _say(f"  export KUBECONFIG={kubeconfig}")
        _say(f"  {program} get nodes")
        _say("  archiver run --dry-run=client")
        _say("\nThe resources that Kubernaut would have defined:\n")
        _say(f"  {program} apply -f tests/crds/remediationrequest.yaml "
             "-f tests/crds/remediationprocessing-v1.yaml")  # fmt: skip
        _say(f"\nImages on the node: {', '.join(images) or 'none (make cluster NODE=1 IMAGE=…)'}")
        _say(f"PostgreSQL, for pods: {postgresql.HOST}:{postgresql.PORT}, database "
             f"{postgresql.DATABASE}, prepared as in README.md; for you:\n")  # fmt: skip
        _say(f"  psql '{_reachable(archive.url, archive.server.port, database_port)}'")
        _say("\nAfter `kubectl apply -f deploy/namespace.yaml`, its Secrets:\n")
        for name, user in _SECRETS.items():
            _say(f"  {program} -n kubernaut-archiver create secret generic {name} \\\n"
                 f"    --from-file=password={folder}/password.{user} \\\n"
                 f"    --from-file=ca.crt={folder}/ca.crt.postgresql")  # fmt: skip
        _say("\nCtrl-C ends it and deletes everything in it.")
        yield


_SECRETS = {
    "archiver-database": postgresql.WRITER,
    "archiver-database-owner": postgresql.OWNER,
}


def _kubeconfig(control_plane: ControlPlane, path: Path, port: int) -> Path:
    content = json.loads(control_plane.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    return write_private(path, json.dumps(content, indent=2).encode())


def _reachable(url: str, inner: int, outer: int) -> str:
    return url.replace(f":{inner}/", f":{outer}/")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
