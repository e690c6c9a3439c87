"""The administrator's requests to one API server."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from tests.controlplane.errors import ControlPlaneError
from tests.controlplane.pki import Certificate

TIMEOUT = urllib3.Timeout(connect=2.0, read=10.0)  # seconds


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Client:
    """Sends what it is told, once: no retries, no discovery, no waiting."""

    def __init__(self, server: str, ca_file: Path, certificate: Certificate) -> None:
        """`server` is a URL. Connections are kept until close()."""
        self._server = server
        self._pool = urllib3.PoolManager(
            ca_certs=str(ca_file),
            cert_file=str(certificate.certificate),
            key_file=str(certificate.key),
            timeout=TIMEOUT,
            retries=False,
        )

    def send(self, method: str, path: str, body: object = None) -> Response:
        """One request with a JSON body. Raises urllib3's HTTPError where no answer comes."""
        response = self._pool.request(
            method,
            self._server + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        return Response(response.status, response.data)

    def answers(self, path: str) -> bool:
        """Whether a GET of this path succeeds now."""
        try:
            return self.send("GET", path).status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            return False

    def post(self, path: str, body: object) -> Any:
        """The object that the server made of this one. Raises ControlPlaneError if it refused."""
        response = self.send("POST", path, body)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ControlPlaneError(f"POST {path}: {response.status} {response.body!r}")
        return response.json()

    def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        self._pool.clear()
