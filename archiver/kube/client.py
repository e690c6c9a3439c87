"""Requests to one API server: the library's authentication, TLS and connections, our raw bytes."""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from urllib.parse import quote, urlencode

import structlog
import urllib3
from kubernetes.client import Configuration as ClientConfiguration
from urllib3.exceptions import HTTPError, SSLError

from archiver.errors import Configuration, Unavailable
from archiver.kube import credentials
from archiver.kube.answer import Answer
from archiver.kube.failures import is_permanent
from archiver.kube.login import DEFAULT_NETWORK, Login, Network
from archiver.kube.patience import Patience
from archiver.kube.window import Window
from archiver.ports import Stop

_log = structlog.get_logger()

JSON = "application/json"
Query = Sequence[tuple[str, str]]

_CHUNK = 1 << 20

_BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Clock:
    """The API server's clock beside ours, in nanoseconds since the epoch.

    The Date header has whole seconds, so `skew` (server minus local) means nothing below one.
    """

    server: int
    local: int

    @property
    def skew(self) -> int:
        """How far the server's clock is ahead of ours; nanoseconds."""
        return self.server - self.local


class TooLarge(Exception):
    """An answer of more bytes than were asked for; reading it was given up."""


def connect(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    network: Network = DEFAULT_NETWORK,
    stop: Stop | None = None,
) -> "Client":
    """A client for the cluster that kubectl would talk to, or the one this pod runs in.

    Nothing is sent yet. `stop` ends pauses between attempts. Raises Configuration.
    """
    return Client(lambda: credentials.load(kubeconfig, context), network, stop)


class Client:
    """One API server. Safe to use from many threads at once.

    Requests are repeated within the budget: all of them where no answer comes and on 429, 502, 503
    and 504; on 500 unless its text says that repeating is useless. That is safe for what is sent
    here: reads, reviews of rights, and patches with uid and resourceVersion as preconditions.
    Whatever the last answer's status, it is returned; `failures` knows what it means.
    """

    def __init__(
        self,
        load: Callable[[], ClientConfiguration],
        network: Network = DEFAULT_NETWORK,
        stop: Stop | None = None,
    ) -> None:
        """`load` gives the configuration, and is called again when the server answers 401."""
        self._load = load
        self._network = network
        self._stop = stop
        self._timeout = urllib3.Timeout(connect=network.connect_timeout, read=network.read_timeout)
        self._lock = threading.Lock()
        self._common = {
            "User-Agent": f"kubernaut-archiver/{version('kubernaut-archiver')}",
            "Accept-Encoding": "gzip" if network.compress else "identity",
        }
        self._login = Login(load(), network)
        self.clock: Clock | None = None

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._login.server

    def get(
        self, path: str, query: Query = (), *, accept: str = JSON, max_bytes: int | None = None
    ) -> Answer:
        """Read something. Raises TooLarge beyond `max_bytes`, Unavailable, Configuration."""
        return self._request("GET", _target(path, query), {"Accept": accept}, max_bytes=max_bytes)

    def post(self, path: str, body: bytes) -> Answer:
        """Ask for a review. Raises Unavailable, Configuration."""
        headers = {"Accept": JSON, "Content-Type": JSON}
        return self._request("POST", path, headers, body=body)

    def patch(
        self,
        path: str,
        query: Query,
        body: bytes,
        *,
        content_type: str,
        accept: str = JSON,
        window: Window | None = None,
    ) -> Answer:
        """Change something whose state is named in the patch; each attempt takes its place in the
        window. Raises Unavailable, Configuration.
        """
        headers = {"Accept": accept, "Content-Type": content_type}
        return self._request("PATCH", _target(path, query), headers, body=body, window=window)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._login.close()

    def _request(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        *,
        body: bytes | None = None,
        max_bytes: int | None = None,
        window: Window | None = None,
    ) -> Answer:
        request = _Request(method, target, self._common | headers, body, max_bytes, window)
        login = self._login
        answer = self._repeated(request, login)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = self._repeated(request, self._logged_in_again(login))
        return answer

    def _logged_in_again(self, refused: Login) -> Login:
        with self._lock:
            # Of many threads that were refused together, one loads.
            if self._login is refused:
                _log.info("credentials.reloaded", server=refused.server)
                self._login = Login(self._load(), self._network)
            return self._login

    def _repeated(self, request: "_Request", login: Login) -> Answer:
        patience = Patience(self._network.budget, self._stop)
        while True:
            try:
                response, answer = self._attempt(request, login)
            except HTTPError as error:
                _raise_if_untrusted(error, login.server)
                if not patience.pause(request.name, error=error):
                    raise Unavailable(f"{request.name} at {login.server}: {error}") from None
                continue
            self._read_clock(answer)
            if not request.is_worth_repeating(answer) or not patience.pause(request.name, response):
                return answer

    def _attempt(
        self, request: "_Request", login: Login
    ) -> tuple[urllib3.BaseHTTPResponse, Answer]:
        if request.window is None:
            return self._send(request, login)
        with request.window.slot() as sent:
            response, answer = self._send(request, login)
        request.window.answered(sent, busy=answer.status == HTTPStatus.TOO_MANY_REQUESTS)
        return response, answer

    def _send(self, request: "_Request", login: Login) -> tuple[urllib3.BaseHTTPResponse, Answer]:
        response = login.send(
            request.method,
            request.target,
            request.headers,
            body=request.body,
            timeout=self._timeout,
        )
        return response, Answer(response.status, request.read(response), response.headers)

    def _read_clock(self, answer: Answer) -> None:
        if self.clock is None and (date := answer.date) is not None:
            self.clock = Clock(date, time.time_ns())


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None
    max_bytes: int | None
    window: Window | None

    @property
    def name(self) -> str:
        """For people: without the query, which may hold a continue token."""
        return f"{self.method} {self.target.partition('?')[0]}"

    def read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The whole body. Raises TooLarge, and HTTPError where it is cut short."""
        if self.max_bytes is None:
            return response.read()
        chunks = []
        left = self.max_bytes
        while chunk := response.read(_CHUNK):
            chunks.append(chunk)
            left -= len(chunk)
            if left < 0:
                response.close()
                raise TooLarge
        return b"".join(chunks)

    def is_worth_repeating(self, answer: Answer) -> bool:
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return not is_permanent(answer)
        return answer.status in _BUSY


def _target(path: str, query: Query) -> str:
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def _raise_if_untrusted(error: HTTPError, server: str) -> None:
    cause = error.args[0] if error.args else None
    if isinstance(error, SSLError) and isinstance(cause, ssl.SSLCertVerificationError):
        raise Configuration(f"{server}: its certificate is not trusted: {cause}") from None
