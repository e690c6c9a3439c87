"""A small API server, for the demo and for tests: the part of Kubernetes' HTTP that we speak.

Discovery, LIST with limit, continue and selectors, GET, merge PATCH with preconditions and dryRun,
metadata-only answers and reviews of rights. The contract tests hold it to what a real one answers.
Nobody is authenticated, and it listens on loopback only.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from demo.cluster import Cluster, Object, Query, Refused, Served

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?"
)
_DISCOVERY = re.compile(r"/(?:api|apis/(?P<group>[^/]+))(?:/(?P<version>[^/]+))?")
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_MERGE_PATCH = "application/merge-patch+json"


class ApiServer:
    """A running server. Ends with stop(), or with the `with` block."""

    def __init__(self, cluster: Cluster) -> None:
        """It answers from now on, at `url`."""
        self.cluster = cluster
        handler = type("Handler", (_Handler,), {"cluster": cluster})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def write_kubeconfig(self, path: Path) -> Path:
        """A kubeconfig (JSON is YAML) for this server."""
        context = {"cluster": "demo", "user": "demo"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "demo",
            "clusters": [{"name": "demo", "cluster": {"server": self.url}}],
            "contexts": [{"name": "demo", "context": context}],
            "users": [{"name": "demo", "user": {}}],
        }
        path.write_text(json.dumps(config, indent=2))
        return path

    def stop(self) -> None:
        """Answer nothing more."""
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Self:
        """The server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    cluster: ClassVar[Cluster]
    protocol_version = "HTTP/1.1"
    # Without this every answer waits 40 ms for the acknowledgement of its headers.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Silence: the demo prints what is of interest."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        try:
            with self.cluster.lock:
                answer = self._result(url.path, dict(parse_qsl(url.query)), body)
            self._send(200, json.dumps(answer, sort_keys=True, separators=(",", ":")))
        except _NotServed:
            self._send(404, "404 page not found", "text/plain; charset=utf-8")
        except Refused as refused:
            status = {"apiVersion": "v1", "kind": "Status", "status": "Failure", **refused.status}
            self._send(refused.code, json.dumps(status))

    def _send(self, code: int, text: str, content_type: str = "application/json") -> None:
        data = f"{text}\n".encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _result(self, path: str, query: Query, body: bytes) -> Object:
        if path == _REVIEW:
            return self._review(json.loads(body))
        if self.command == "POST":
            raise Refused(405, "the demo's API server takes objects from Python only")
        if match := _DISCOVERY.fullmatch(path):
            return self._discovered(match["group"] or "", match["version"])
        match = _PATH.fullmatch(path)
        if match is None:
            raise _NotServed
        served = self._served(match["group"] or "", match["version"], match["plural"])
        name = unquote(match["name"]) if match["name"] else None
        self._admit("patch" if self.command == "PATCH" else "get" if name else "list", served)
        if name is None:
            return self._list(served, match, query)
        return self._as_asked(self._one(served, f"{match['namespace'] or ''}/{name}", query, body))

    def _one(self, served: Served, path: str, query: Query, body: bytes) -> Object:
        if self.command == "GET":
            return self.cluster.find(served, path)
        if self.headers["Content-Type"] != _MERGE_PATCH:
            raise Refused(415, "the demo's API server knows merge patches only")
        dry_run = query.get("dryRun") == "All"
        return self.cluster.patch(served, path, json.loads(body), dry_run=dry_run)

    def _list(self, served: Served, match: re.Match[str], query: Query) -> Object:
        found, token = self.cluster.list(served, match["namespace"], query)
        metadata = {"resourceVersion": str(self.cluster.revision), "continue": token}
        kind = "PartialObjectMetadata" if self._metadata_only else served.kind
        version = _api_version(match["group"], match["version"])
        return {
            "apiVersion": "meta.k8s.io/v1" if self._metadata_only else version,
            "kind": f"{kind}List",
            "metadata": metadata,
            "items": [self._as_asked({**item, "apiVersion": version}) for item in found],
        }

    @property
    def _metadata_only(self) -> bool:
        return "as=PartialObjectMetadata" in self.headers.get("Accept", "")

    def _as_asked(self, whole: Object) -> Object:
        if not self._metadata_only:
            return whole
        head = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
        return head | {"metadata": whole["metadata"]}

    def _served(self, group: str, version: str, plural: str) -> Served:
        served = self.cluster.served.get((group, plural))
        if served is None or version not in served.versions:
            raise _NotServed
        return served

    def _discovered(self, group: str, version: str | None) -> Object:
        known = [served for served in self.cluster.served.values() if served.group == group]
        versions = list(dict.fromkeys(v for served in known for v in served.versions))
        if not versions or version not in (None, *versions):
            raise _NotServed
        if version is not None:
            resources = [served.discovered() for served in known if version in served.versions]
            return {"kind": "APIResourceList", "resources": resources}
        shown = [{"groupVersion": f"{group}/{v}", "version": v} for v in versions]
        return {"kind": "APIGroup", "name": group, "versions": shown, "preferredVersion": shown[0]}

    def _admit(self, verb: str, served: Served) -> None:
        right = f"{verb} {served.plural}"
        self.cluster.requests[right] += 1
        if right in self.cluster.forbidden:
            raise Refused(
                403,
                f'{served.plural} is forbidden: User "demo" cannot {verb} resource '
                f'"{served.plural}" in API group "{served.group}" at the cluster scope',
                reason="Forbidden",
            )

    def _review(self, review: Object) -> Object:
        asked = review["spec"]["resourceAttributes"]
        allowed = f"{asked['verb']} {asked['resource']}" not in self.cluster.forbidden
        return {**review, "status": {"allowed": allowed}}


class _NotServed(Exception):
    """404 in plain text, which is all that a real server has to say of a path it does not know."""


def _api_version(group: str | None, version: str) -> str:
    return f"{group}/{version}" if group else version
