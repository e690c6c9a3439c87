"""A real HTTP server on loopback that answers as it is told, request by request."""

import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from archiver.kube import Client, Network
from archiver.kube.credentials import Credentials
from archiver.kube.patience import Budget

QUICK = Budget(total=1.5, factor=0.001, longest=0.01, jitter=0.001)


@dataclass(frozen=True)
class Reply:
    """One answer. Of its body `cut` bytes are held back, after which the connection is closed."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    chunked: bool = False

    def __or__(self, headers: dict[str, str]) -> "Reply":
        """The same with further headers."""
        return replace(self, headers=self.headers | headers)

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Stub:
    """Answers in turn with `replies`, the last one for ever; None closes the connection."""

    def __init__(self, replies: Iterable[Reply | None]) -> None:
        self.replies = deque(replies)
        self.requests: list[Request] = []
        self.connections: set[int] = set()
        self.token = "first"
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), type("H", (_Handler,), {"stub": self}))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def configuration(self) -> Credentials:
        """What a kubeconfig of this server would give, with the token as it is now."""
        configuration = Credentials(host=self.url)
        configuration.api_key["BearerToken"] = f"Bearer {self.token}"
        return configuration

    def client(self, budget: Budget = QUICK, **network: Any) -> Client:
        self._clients.append(Client(self.configuration, Network(budget=budget, **network)))
        return self._clients[-1]

    def next_reply(self, request: Request) -> Reply | None:
        with self._lock:
            self.requests.append(request)
            return self.replies.popleft() if len(self.replies) > 1 else self.replies[0]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that closes its connection is no error here."""


class _Handler(BaseHTTPRequestHandler):
    stub: ClassVar[Stub]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = dict(parse_qsl(url.query))
        request = Request(self.command, url.path, query, dict(self.headers), body)
        self.stub.connections.add(self.client_address[1])
        reply = self.stub.next_reply(request)
        if reply is None:
            self.close_connection = True
        else:
            self._reply(reply)

    do_PATCH = do_POST = do_GET  # noqa: N815 - the base class's names

    def _reply(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Date" not in reply.headers:
            self.send_header("Date", self.date_time_string())
        data = reply.data
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            data = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
        elif "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) - reply.cut])
        self.close_connection = self.close_connection or bool(reply.cut)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def status(code: int, message: str = "no", **fields: Any) -> Reply:
    """A failure as the API server words it."""
    return Reply(code, {"kind": "Status", "message": message, "code": code, **fields})
