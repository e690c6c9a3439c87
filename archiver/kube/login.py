"""Credentials as they were loaded once, and what they make of a transfer."""

import re
import ssl
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import certifi
import pycurl
import structlog
from kubernetes.client.rest import should_bypass_proxies
from urllib3.exceptions import LocationValueError
from urllib3.util import parse_url

from archiver.errors import Configuration
from archiver.kube.credentials import Credentials
from archiver.kube.patience import Budget

_log = structlog.get_logger()

# How long an Authorization header is used without asking the library again, which looks for a new
# token file once a minute; seconds.
_HEADER_LIFE: Final = 20.0
# As much as one read may take in; the default of 16 KiB means a thousand callbacks for a page.
_READ_BYTES: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class Network:
    """How to talk to the API server. Times in seconds.

    `silence` is how long nothing may come before an answer is given up, in whole seconds.
    `compress` asks for gzip: worth it on a slow link; on a fast one it halves the throughput,
    because the API server has to compress.
    """

    connect_timeout: float = 5.0
    silence: int = 30
    connections: int = 32
    compress: bool = False
    budget: Budget = field(default_factory=Budget)


DEFAULT_NETWORK: Final = Network()


class Login:
    """One loading of the credentials. For one thread.

    Certificates and keys are read here and not where a connection is made: connections are shared
    only among transfers with the same bytes, so that a new login never goes on with an old
    certificate.
    """

    def __init__(self, configuration: Credentials, network: Network) -> None:
        """Raises Configuration."""
        self.server: str = configuration.host.rstrip("/")
        self._configuration = configuration
        self._network = network
        self._origin, self._detour = _origin(self.server, configuration.tls_server_name)
        self._proxy = _proxy(self.server, configuration)
        self._tls = _tls_options(configuration)
        self._headers: list[str] = []
        self._fresh_until = 0.0
        if not configuration.verify_ssl:
            _log.warning("tls.unverified", server=self.server)

    def url(self, target: str) -> str:
        """The URL of a path and its query."""
        return self._origin + target

    def headers(self) -> list[str]:
        """The lines of every request: Authorization, renewed by the library's own hook."""
        if time.monotonic() >= self._fresh_until:
            auth = self._configuration.auth_settings().get("BearerToken")
            # Token files end in a line break, which no header may hold.
            value = (auth["value"] or "").strip() if auth else ""
            # curl would wait for "100 Continue" before it sends a large body.
            self._headers = ["Expect:", *self._detour.headers]
            self._headers += [f"Authorization: {value}"] if value else []
            self._fresh_until = time.monotonic() + _HEADER_LIFE
        return self._headers

    def prepare(self, curl: pycurl.Curl) -> None:
        """Set what all transfers of this login have in common."""
        options: dict[int, object] = {
            # HTTP/1.1: one connection for each request under way, as a load balancer wants it.
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.PATH_AS_IS: True,
            pycurl.NOSIGNAL: True,
            pycurl.TCP_KEEPALIVE: True,
            pycurl.BUFFERSIZE: _READ_BYTES,
            pycurl.CONNECTTIMEOUT_MS: round(self._network.connect_timeout * 1000),
            pycurl.LOW_SPEED_LIMIT: 1,
            pycurl.LOW_SPEED_TIME: self._network.silence,
            # Set even if empty: the library has looked at the environment, curl must not again.
            pycurl.PROXY: self._proxy,
            pycurl.NOPROXY: "",
        }
        if self._proxy:
            given = self._configuration.proxy_headers or {}
            options[pycurl.PROXYHEADER] = [f"{name}: {value}" for name, value in given.items()]
        if self._network.compress:
            options[pycurl.ACCEPT_ENCODING] = "gzip"
        if self._detour.connect_to:
            options[pycurl.CONNECT_TO] = self._detour.connect_to
        for option, value in (options | self._tls).items():
            curl.setopt(option, value)


@dataclass(frozen=True, slots=True)
class _Detour:
    """For a server whose certificate names another host (tls-server-name in a kubeconfig)."""

    connect_to: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)


def _origin(server: str, tls_server_name: str | None) -> tuple[str, _Detour]:
    try:
        url = parse_url(server)
        port = url.port or {"http": 80, "https": 443}[url.scheme or ""]
    except (LocationValueError, KeyError) as error:
        raise Configuration(f"{server} is no URL of an API server: {error}") from None
    if not url.host:
        raise Configuration(f"{server} is no URL of an API server: it names no host")
    if not tls_server_name:
        return server, _Detour()
    # curl verifies the host of the URL: it is given that name, and told where to connect instead.
    connect_to = f"{tls_server_name}:{port}:{url.host}:{port}"
    netloc = urlsplit(server).netloc
    origin = f"{url.scheme}://{tls_server_name}:{port}{urlsplit(server).path}"
    return origin, _Detour([connect_to], [f"Host: {netloc}"])


def _proxy(server: str, configuration: Credentials) -> str:
    """The proxy on the way to the server; "" for none.

    Whom NO_PROXY names is decided here: curl knows no ports in it, and no other host than that of
    the URL. An address of IPv6 is in brackets wherever a port may follow. This machine is asked
    without the proxy of the environment, as Go and so kubectl do (golang.org/x/net/http/httpproxy).
    """
    if not configuration.proxy:
        return ""
    url = parse_url(server)
    if configuration.proxy_is_for_the_outside and _is_this_machine(url.host or ""):
        return ""
    if not configuration.no_proxy:
        return configuration.proxy
    port = url.port or {"http": 80, "https": 443}[url.scheme or ""]
    entries = (
        entry[1:-1] if entry.startswith("[") and entry.endswith("]") else entry
        for entry in re.split(r"[\s,]+", configuration.no_proxy)
    )
    direct = should_bypass_proxies(f"{url.scheme}://{url.host}:{port}", ",".join(entries))
    return "" if direct else configuration.proxy


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _tls_options(configuration: Credentials) -> dict[int, object]:
    options: dict[int, object] = {pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2}
    certificate = configuration.client_certificate or _read(
        configuration.cert_file, "client certificate"
    )
    if certificate:
        key = configuration.client_key or _read(configuration.key_file, "client key")
        options[pycurl.SSLCERT_BLOB] = certificate
        options[pycurl.SSLKEY_BLOB] = key or certificate
    if not configuration.verify_ssl:
        return options | {pycurl.SSL_VERIFYPEER: False, pycurl.SSL_VERIFYHOST: 0}
    if configuration.assert_hostname is False:
        options[pycurl.SSL_VERIFYHOST] = 0
    if configuration.ca_cert_data:
        data = configuration.ca_cert_data
        options[pycurl.CAINFO_BLOB] = data.encode() if isinstance(data, str) else data
    elif configuration.ssl_ca_cert:
        options[pycurl.CAINFO_BLOB] = _read(configuration.ssl_ca_cert, "certificate authority")
    else:
        # curl of a wheel knows no system's authorities; Python does, where there are any.
        options[pycurl.CAINFO] = ssl.get_default_verify_paths().cafile or certifi.where()
    return options


def _read(file: str | None, what: str) -> bytes:
    if not file:
        return b""
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Configuration(f"the {what} {file}: {error.strerror}") from None
