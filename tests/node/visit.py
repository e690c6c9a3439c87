"""A node for a person: how to get in from the machine, and what is there."""

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.pki import write_private
from tests.node import postgresql
from tests.node.kubectl import Kubectl
from tests.node.network import ADDRESS
from tests.node.postgresql import DATABASE, HOST, OWNER, PORT, WRITER, Archive
from tests.node.switch import Switch
from tests.postgres.binaries import find_installation
from tests.postgres.relay import LOOPBACK, Relay

WELCOME = """\
Kubernetes {version} with one node is running. In another terminal, in this folder and as root:

  NODE={folder}
  export KUBECONFIG=$NODE/{kubeconfig}
  export KUBECACHEDIR=$NODE/kubectl-cache
  export PATH={path}:"$PATH"
  kubectl get nodes

What Kubernaut would have defined, and what it would have completed twenty hours ago (for others,
another time: --first 200):

  kubectl apply -f tests/crds/remediationrequest.yaml -f tests/crds/remediationprocessing-v1.yaml
  {python} -m tests.resources 200 > $NODE/completed.json
  kubectl create -f $NODE/completed.json
  kubectl replace --subresource=status -f $NODE/completed.json

README.md, "Install": step 1 is done, the database {database} at {host}:{port},
where deploy/config.yaml has it (step 3), and {images} (step 4). Step 2 is

  kubectl apply -f deploy/namespace.yaml
{secrets}
Go on with step 5. Once the migration is done, the archiver runs in that terminal too, as in a pod:

  export ARCHIVER_DATABASE_URL="{url}"
  export ARCHIVER_DATABASE_PASSWORD_FILE=$NODE/password.{writer}
  archiver run --dry-run=client

And psql, as the superuser:

  psql {superuser_url}

PostgreSQL stops where this file is made, and starts again where it is removed:

  touch $NODE/{switch}
  rm $NODE/{switch}

Ctrl-C ends everything and deletes it.
"""
SECRET = """\
  kubectl -n kubernaut-archiver create secret generic {name} \\
    --from-file=password=$NODE/password.{user} --from-file=ca.crt=$NODE/{authority}
"""
SECRETS = {"archiver-database": WRITER, "archiver-database-owner": OWNER}
AUTHORITY = "ca.crt.postgresql"


@contextmanager
def receive(
    control_plane: ControlPlane, kubectl: Kubectl, sockets: Sequence[int], images: Sequence[str]
) -> Iterator[Switch]:
    """Start PostgreSQL, open the sockets, and say how to use all of it; the switch of PostgreSQL.

    Raises PostgresError if it does not start.
    """
    apiserver, postgres = (socket.socket(fileno=descriptor) for descriptor in sockets)
    folder = control_plane.workdir
    with postgresql.archive(kubectl, ADDRESS) as archive:
        port = Relay(apiserver, int(control_plane.server.rpartition(":")[2])).port
        switch = Switch(archive.server, folder / "postgresql-is-off")
        known = {
            "version": control_plane.version,
            "kubeconfig": _kubeconfig(control_plane, folder / "visitor.kubeconfig", port).name,
            "path": quote(":".join(map(str, _programs(kubectl)))),
            "python": quote(sys.executable),
            "images": f"the node has {', '.join(images)}" if images else "IMAGE names no image",
            "switch": switch.file.name,
            **_way_to_postgresql(archive, folder, Relay(postgres, archive.server.port).port),
        }
        sys.stdout.write(_welcome(known))
        sys.stdout.flush()
        yield switch


def _programs(kubectl: Kubectl) -> tuple[Path, ...]:
    """Where the commands of the welcome are."""
    return kubectl.program.parent, Path(sys.executable).parent, find_installation().bin


def _welcome(known: Mapping[str, object]) -> str:
    secrets = (SECRET.format(name=name, user=user, **known) for name, user in SECRETS.items())
    return WELCOME.format(secrets="".join(secrets), **known)


def _way_to_postgresql(archive: Archive, folder: Path, port: int) -> dict[str, object]:
    """From outside, by files with the passwords in this folder, at this port of loopback."""
    write_private(folder / AUTHORITY, archive.authority.encode())
    for user, password in archive.passwords.items():
        write_private(folder / f"password.{user}", password.encode())
    # Its certificate is for loopback, too.
    tls = f"sslmode=verify-full&sslrootcert=$NODE/{AUTHORITY}"
    url = f"postgresql://{WRITER}@{LOOPBACK}:{port}/{DATABASE}?{tls}"
    superuser = archive.url.replace(f":{archive.server.port}/", f":{port}/")
    return {
        "host": HOST,
        "port": PORT,
        "database": DATABASE,
        "writer": WRITER,
        "folder": folder,
        "authority": AUTHORITY,
        "url": url,
        "superuser_url": quote(superuser),
    }


def _kubeconfig(control_plane: ControlPlane, path: Path, port: int) -> Path:
    content = json.loads(control_plane.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = f"https://{LOOPBACK}:{port}"
    return write_private(path, json.dumps(content, indent=2).encode())
