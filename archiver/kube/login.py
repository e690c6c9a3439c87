"""Credentials as they were loaded once, and the connections made with them."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import structlog
import urllib3
from kubernetes.client import ApiClient
from kubernetes.client import Configuration as ClientConfiguration
from urllib3.exceptions import InsecureRequestWarning, LocationValueError

from archiver.errors import Configuration
from archiver.kube.patience import Budget

_log = structlog.get_logger()

# How long an Authorization header is used without asking the library again, which looks for a new
# token file once a minute; seconds.
_HEADER_LIFE = 20.0


@dataclass(frozen=True, slots=True)
class Network:
    """How to talk to the API server. Times in seconds.

    `compress` asks for gzip: worth it on a slow link; on a fast one it halves the throughput,
    because the API server has to compress.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    connections: int = 32
    compress: bool = False
    budget: Budget = field(default_factory=Budget)


DEFAULT_NETWORK = Network()


class Login:
    """One loading of the credentials, and the connections made with them."""

    def __init__(self, configuration: ClientConfiguration, network: Network) -> None:
        """`configuration` is taken over and changed. Raises Configuration."""
        configuration.connection_pool_maxsize = network.connections
        self.server: str = configuration.host.rstrip("/")
        self._configuration = configuration
        self._manager: urllib3.PoolManager = ApiClient(configuration).rest_client.pool_manager
        # A tenth of a patch's time is spent on finding the one host's pool again. Through a proxy
        # there may be another form of URL, which the manager knows.
        direct = self._manager.proxy is None
        try:
            pool = self._manager.connection_from_url(self.server)
        except LocationValueError as error:
            raise Configuration(f"{self.server} is no URL of an API server: {error}") from None
        self._pool = pool if direct else self._manager
        self._prefix = urlsplit(self.server).path if direct else self.server
        self._lock = threading.Lock()
        self._headers: dict[str, str] = {}
        self._fresh_until = 0.0
        if not configuration.verify_ssl:
            # urllib3 would say so at every connection.
            urllib3.disable_warnings(InsecureRequestWarning)
            _log.warning("tls.unverified", server=self.server)

    def send(
        self, method: str, target: str, headers: dict[str, str], **settings: Any
    ) -> urllib3.BaseHTTPResponse:
        """One request, once; `settings` are those of urlopen. Raises urllib3's HTTPError."""
        return self._pool.urlopen(
            method,
            self._prefix + target,
            headers=headers | self._authorization(),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            **settings,
        )

    def _authorization(self) -> dict[str, str]:
        """The Authorization header, renewed by the library's own hook."""
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                auth = self._configuration.auth_settings().get("BearerToken")
                # Token files end in a line break, which no header may hold.
                value = (auth["value"] or "").strip() if auth else ""
                self._headers = {"Authorization": value} if value else {}
                self._fresh_until = time.monotonic() + _HEADER_LIFE
            return self._headers

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._manager.clear()
