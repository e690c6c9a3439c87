"""Admission that changes more than it was asked for."""

import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import trustme

from tests.e2e.deploy.installation import delete
from tests.e2e.run.objects import Collection
from tests.e2e.run.webhooks import on_update
from tests.e2e.waiting import eventually

_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


@contextmanager
def changed_within(processings: Collection, path: str, value: Callable[[], str]) -> Iterator[None]:
    """While it lasts, every change but of a status also sets what is at `path` to a `value`."""
    api, namespace = processings.api, processings.namespace
    authority = trustme.CA()
    with _server(authority, lambda: [{"op": "add", "path": path, "value": value()}]) as url:
        client = {"url": url, "caBundle": b64encode(authority.cert_pem.bytes()).decode()}
        assert api.send("POST", _WEBHOOKS, on_update(namespace, "all.example.com", client)).ok
        try:
            metadata = next(iter(processings.all().values()))["metadata"]
            canary, before = f"{processings.path}/{metadata['name']}", metadata["generation"]

            def in_force() -> bool:
                answer = api.merge(canary, {"metadata": {"labels": {"canary": "1"}}}, dryRun="All")
                return answer.ok and answer.body["metadata"]["generation"] > before

            eventually(in_force)
            yield
        finally:
            delete(api, f"{_WEBHOOKS}/{namespace}")


@contextmanager
def _server(authority: trustme.CA, patch: Callable[[], Any]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            encoded = b64encode(json.dumps(patch()).encode()).decode()
            review["response"] = {
                "uid": review.pop("request")["uid"],
                "allowed": True,
                "patchType": "JSONPatch",
                "patch": encoded,
            }
            body = json.dumps(review).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
