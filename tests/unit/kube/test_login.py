"""What credentials and a configuration make of a connection."""

import json
import ssl
import tempfile
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from archiver.errors import Configuration
from archiver.kube import Client, Network
from archiver.kube.credentials import Credentials, load
from archiver.kube.login import Login
from tests.unit.kube.stub import QUICK, Reply, Stub, status

Start = Callable[..., Stub]
NAME = "api.internal.example"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def authority_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@contextmanager
def https(context: ssl.SSLContext) -> Iterator[tuple[str, list[str]]]:
    """A server's URL, and the Host headers that it was sent."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["Host"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
            pass

    class Server(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that does not trust this server is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", hosts
    finally:
        server.shutdown()
        server.server_close()


def context_for(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def ask(configuration: Credentials) -> int:
    with closing(Client(lambda: configuration, Network(budget=QUICK))) as client:
        return client.get("/x").status


def configured(url: str, **fields: Any) -> Credentials:
    configuration = Credentials(host=url)
    for name, value in fields.items():
        setattr(configuration, name, value)
    return configuration


def test_a_certificate_of_an_unknown_authority_is_refused_unless_nothing_is_verified(
    authority: trustme.CA, authority_file: str
) -> None:
    with https(context_for(trustme.CA(), "127.0.0.1")) as (url, _hosts):
        with pytest.raises(Configuration, match="certificate is not trusted"):
            ask(configured(url, ssl_ca_cert=authority_file))
        assert ask(configured(url, verify_ssl=False)) == 200
    with https(context_for(authority, "127.0.0.1")) as (url, _hosts):
        assert ask(configured(url, ssl_ca_cert=authority_file)) == 200


def test_an_authority_may_be_given_as_text(authority: trustme.CA) -> None:
    with https(context_for(authority, "127.0.0.1")) as (url, _hosts):
        assert ask(configured(url, ca_cert_data=authority.cert_pem.bytes().decode())) == 200


def test_without_an_authority_the_machines_own_are_asked(authority: trustme.CA) -> None:
    with (
        https(context_for(authority, "127.0.0.1")) as (url, _hosts),
        pytest.raises(Configuration, match="certificate is not trusted"),
    ):
        ask(configured(url))


def test_a_certificate_of_another_host_is_refused(
    authority: trustme.CA, authority_file: str
) -> None:
    with https(context_for(authority, NAME)) as (url, _hosts):
        with pytest.raises(Configuration, match="certificate is not trusted"):
            ask(configured(url, ssl_ca_cert=authority_file))
        assert ask(configured(url, ssl_ca_cert=authority_file, assert_hostname=False)) == 200


def test_the_name_in_the_certificate_may_be_another_than_the_address(
    authority: trustme.CA, authority_file: str
) -> None:
    with https(context_for(authority, NAME)) as (url, hosts):
        assert ask(configured(url, ssl_ca_cert=authority_file, tls_server_name=NAME)) == 200
        assert hosts == [url.removeprefix("https://")]
        with pytest.raises(Configuration, match="certificate is not trusted"):
            ask(configured(url, ssl_ca_cert=authority_file, tls_server_name="other.example"))


def test_a_client_certificate(authority: trustme.CA, authority_file: str, tmp_path: Path) -> None:
    mine = authority.issue_cert("someone@example.org")
    mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    context = context_for(authority, "127.0.0.1")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with https(context) as (url, _hosts):
        trusting = {"ssl_ca_cert": authority_file}
        pair = {"cert_file": str(tmp_path / "cert.pem"), "key_file": str(tmp_path / "key.pem")}
        assert ask(configured(url, **trusting, **pair)) == 200
        assert ask(configured(url, **trusting, cert_file=str(tmp_path / "both.pem"))) == 200


@pytest.mark.parametrize("key_in_a_file", [False, True])
def test_what_a_kubeconfig_holds_itself_is_written_to_no_file(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_in_a_file: bool
) -> None:
    mine = authority.issue_cert("someone@example.org")
    mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    context = context_for(authority, "127.0.0.1")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    held = {"client-key-data": encoded(mine.private_key_pem), "client-key": "ignored"}
    user = {"client-certificate-data": encoded(mine.cert_chain_pems[0])}
    user |= {"client-key": "key.pem", "client-key-data": ""} if key_in_a_file else held
    with https(context) as (url, _hosts):
        cluster = {"server": url, "certificate-authority-data": encoded(authority.cert_pem)}
        assert ask(load(kubeconfig(tmp_path, cluster, user), None)) == 200
    assert not list(temporary.iterdir())


def test_data_that_are_no_base64_are_named_and_not_shown(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"server": "https://a"}, {"client-key-data": "c2VjcmV0c"})
    with pytest.raises(Configuration, match="client-key-data is no base64") as raised:
        load(path, None)
    assert "c2Vj" not in str(raised.value)


def encoded(pem: trustme.Blob) -> str:
    return b64encode(pem.bytes()).decode()


def kubeconfig(folder: Path, cluster: dict[str, str], user: dict[str, str]) -> str:
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "c", "user": user}],
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    return str(folder / "kubeconfig")


@pytest.mark.parametrize(
    ("field", "what"),
    [("ssl_ca_cert", "certificate authority"), ("cert_file", "client certificate")],
)
def test_a_file_that_is_missing_is_named(field: str, what: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(Configuration, match=rf"the {what} .*missing\.pem: No such file"):
        ask(configured("https://127.0.0.1:1", **{field: missing}))


@pytest.mark.parametrize("field", ["ssl_ca_cert", "cert_file"])
def test_a_file_that_holds_no_certificate_is_a_wrong_configuration(
    field: str, authority: trustme.CA, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no certificate")
    with https(context_for(authority, "127.0.0.1")) as (url, _hosts), pytest.raises(Configuration):
        ask(configured(url, **{field: str(tmp_path / "text")}))


def test_a_proxy_carries_the_requests_with_its_own_headers(stub: Start) -> None:
    proxy = stub(Reply(200, {"kind": "Ok"}))
    given = {"proxy": proxy.url, "proxy_headers": {"Proxy-Authorization": "Basic eA=="}}
    assert ask(configured("http://api.example", **given)) == 200
    [request] = proxy.requests
    assert request.headers["Host"] == "api.example"
    assert request.headers["Proxy-Authorization"] == "Basic eA=="


def test_hosts_that_no_proxy_names_are_asked_directly(stub: Start) -> None:
    server = stub(Reply(200, {"kind": "Ok"}))
    past = {"proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}
    assert ask(configured(server.url, **past)) == 200


PAST_THE_PROXY = {
    "http://127.0.0.1:{port}": [
        "127.0.0.1",
        "127.0.0.1:{port}",
        "other, 127.0.0.1:{port}",
        "other 127.0.0.1:{port}",
        "127.0.0.0/8",
        "*",
    ],
    "http://api.localhost:{port}": [".localhost", "localhost", "API.localhost:{port}"],
}


@pytest.mark.parametrize(
    ("url", "named"), [(url, named) for url, list_ in PAST_THE_PROXY.items() for named in list_]
)
def test_hosts_may_be_named_with_their_port(stub: Start, url: str, named: str) -> None:
    proxy, server = stub(status(503)), stub(Reply(200, {"kind": "Ok"}))
    port = server.url.rpartition(":")[2]
    past = {"proxy": proxy.url, "no_proxy": named.format(port=port)}
    assert ask(configured(url.format(port=port), **past)) == 200
    assert not proxy.requests


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://api.example", "api.example:443"),
        ("http://api.example", "api.example:80"),
        ("https://[fd00::1]:6443", "[fd00::1]"),
        ("https://[fd00::1]:6443", "fd00::1"),
        ("https://[fd00::1]:6443", "[fd00::1]:6443"),
        ("https://[fd00::1]:6443", "fd00::/8"),
    ],
)
def test_who_is_named_needs_no_proxy(url: str, named: str) -> None:
    past = {"proxy": "http://127.0.0.1:1", "no_proxy": named}
    assert Login(configured(url, **past), Network())._proxy == ""


@pytest.mark.parametrize("named", ["127.0.0.1:1", "10.0.0.0/8", "", "7.0.0.1"])
def test_who_is_not_named_is_asked_through_the_proxy(stub: Start, named: str) -> None:
    proxy = stub(Reply(200, {"kind": "Ok"}))
    assert ask(configured("http://127.0.0.1:2", proxy=proxy.url, no_proxy=named)) == 200
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://127.0.0.1:6443", ""),
        ("https://127.1.2.3:6443", ""),
        ("https://localhost:6443", ""),
        ("https://[::1]:6443", ""),
        ("https://10.0.0.1:6443", "http://proxy:3128"),
        ("https://localhost.example", "http://proxy:3128"),
    ],
)
def test_the_proxy_of_the_environment_is_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert Login(configured(url), Network())._proxy == proxy


@pytest.mark.parametrize("url", ["ftp://host", "host:6443", "", "https://host:99999", "https://"])
def test_what_is_no_url_of_an_api_server(url: str) -> None:
    with pytest.raises(Configuration, match="no URL of an API server"):
        ask(configured(url))
