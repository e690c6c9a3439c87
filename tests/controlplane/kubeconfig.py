"""One user's way into one API server, as a file that kubectl and the client libraries read."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from tests.controlplane.pki import Certificate

NAME = "controlplane"


def by_certificate(certificate: Certificate) -> Mapping[str, str]:
    """The credentials of a user with a client certificate, embedded."""
    return {
        "client-certificate-data": _embedded(certificate.certificate),
        "client-key-data": _embedded(certificate.key),
    }


def by_token(token: str) -> Mapping[str, str]:
    """The credentials of a user with a bearer token."""
    return {"token": token}


def write_kubeconfig(
    path: Path, server: str, ca_file: Path, credentials: Mapping[str, str]
) -> Path:
    """Write, or replace, a file that needs no other file beside it; mode 0600.

    It is JSON, which is YAML too (https://yaml.org/spec/1.2.2/, section 1.2).
    """
    cluster = {"server": server, "certificate-authority-data": _embedded(ca_file)}
    context = {"cluster": NAME, "user": NAME, "namespace": "default"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": NAME, "user": dict(credentials)}],
        "contexts": [{"name": NAME, "context": context}],
        "current-context": NAME,
    }
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _embedded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode("ascii")
