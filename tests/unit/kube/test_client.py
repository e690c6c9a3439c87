"""Requests: what is repeated, how long, and what comes out."""

import gzip
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from archiver.domain.gotime import parse_time
from archiver.errors import Interrupted, Unavailable
from archiver.kube import Client, Network
from archiver.kube.answer import Answer
from archiver.kube.credentials import Credentials
from archiver.kube.lane import Lane
from archiver.kube.patience import Budget
from archiver.kube.request import TooLarge
from archiver.kube.window import Window
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import QUICK, Reply, Stub, status

Start = Callable[..., Stub]
MERGE = "application/merge-patch+json"
OK = Reply(200, {"kind": "Ok"})


def patch(client: Client, target: str = "/x", body: bytes = b"{}", *headers: str) -> Answer:
    lane = Lane(Window(16))
    return client.patch(target, body, headers=headers, lane=lane, interpret=lambda a: a).result()


def patched(server: Stub, budget: Budget = QUICK) -> int:
    return patch(server.client(budget)).status


def test_what_is_sent(stub: Start) -> None:
    server = stub(OK)
    answer = server.client().get("/apis/x", [("labelSelector", "a=b c"), ("continue", "=/+")])
    [request] = server.requests
    assert answer.body == OK.data
    assert request.query == {"labelSelector": "a=b c", "continue": "=/+"}
    assert request.headers["Authorization"] == "Bearer first"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"].startswith("kubernaut-archiver/")


def test_a_patch(stub: Start) -> None:
    server = stub(OK)
    lines = "Accept: y/z", f"Content-Type: {MERGE}"
    patch(server.client(), "/x?dryRun=All", b'{"a":1}', *lines)
    [request] = server.requests
    assert (request.method, request.body, request.query) == ("PATCH", b'{"a":1}', {"dryRun": "All"})
    assert request.headers["Content-Type"] == MERGE
    assert request.headers["Accept"] == "y/z"


def test_one_connection_serves_many_requests(stub: Start) -> None:
    server = stub(OK)
    client = server.client()
    for _ in range(3):
        client.get("/x")
        patch(client)
    assert len(server.connections) == 1
    client.close()


def test_compression_where_it_is_asked_for(stub: Start) -> None:
    server = stub(Reply(200, gzip.compress(OK.data), {"Content-Encoding": "gzip"}))
    assert server.client(compress=True).get("/x", max_bytes=100).body == OK.data
    assert server.requests[0].headers["Accept-Encoding"] == "gzip"


def test_the_servers_wish_to_wait_is_kept(stub: Start, virtual_time: VirtualTime) -> None:
    server = stub(status(429) | {"Retry-After": "7"}, status(503) | {"Retry-After": "7"}, OK)
    assert server.client(Budget()).get("/x").status == 200
    assert 14 <= virtual_time.slept < 15
    assert len(server.requests) == 3


def test_a_wish_beyond_the_budget_ends_it_at_once(stub: Start, virtual_time: VirtualTime) -> None:
    server = stub(status(429, "later") | {"Retry-After": "3600"})
    assert server.client(Budget()).get("/x").status == 429
    assert virtual_time.slept == 0


@pytest.mark.parametrize("wish", ["soon", "", "Mon, 01 Jan 99999 00:00:00 GMT"])
def test_a_wish_that_cannot_be_understood(
    stub: Start, virtual_time: VirtualTime, wish: str
) -> None:
    server = stub(status(503) | {"Retry-After": wish}, OK)
    assert server.client(Budget()).get("/x").status == 200
    assert virtual_time.slept < 1


def test_pauses_grow_up_to_the_budget(stub: Start, virtual_time: VirtualTime) -> None:
    server = stub(status(503, "still starting"))
    assert server.client(Budget()).get("/x").status == 503
    assert 40 < virtual_time.slept <= 60
    # 0, 0.2, 0.4, … 6.4, then 10 again and again.
    assert len(server.requests) < 16


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_what_passes_is_repeated(stub: Start, code: int) -> None:
    for ask in (lambda s: s.client().get("/x").status, patched):
        server = stub(status(code), Reply(code, b"<html>gateway</html>"), OK)
        assert ask(server) == 200
        assert len(server.requests) == 3


@pytest.mark.parametrize("code", [200, 301, 400, 403, 404, 409, 410, 422])
def test_what_stays_is_not_repeated(stub: Start, code: int) -> None:
    server = stub(Reply(code, b"{}", {"Location": "/elsewhere"}))
    assert server.client().get("/x").status == code
    assert len(server.requests) == 1


def test_a_500_that_stays_is_not_repeated(stub: Start) -> None:
    server = stub(status(500, "etcdserver: request is too large"))
    assert patched(server) == 500
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "lost",
    [
        None,
        Reply(200, b"x" * 100, cut=50),
        Reply(200, b"x" * 100, cut=50, chunked=True),
        Reply(200, b"x", {"Content-Length": "100"}, cut=1),
    ],
)
def test_lost_answers_are_asked_for_again(stub: Start, lost: Reply | None) -> None:
    for max_bytes in (None, 1000):
        server = stub(lost, OK)
        assert server.client().get("/x", max_bytes=max_bytes).body == OK.data
    assert patched(stub(lost, lost, OK)) == 200


def test_an_answer_longer_than_it_says(stub: Start) -> None:
    # What is left over in the connection is no answer to the next request.
    server = stub(Reply(200, b'{"a":1}garbage', {"Content-Length": "7"}), OK)
    client = server.client()
    assert client.get("/x").body == b'{"a":1}'
    assert client.get("/x").body == OK.data


def test_a_server_that_does_not_answer(stub: Start) -> None:
    server = stub(None)
    with pytest.raises(Unavailable, match=r"GET /x at http://127\.0\.0\.1"):
        server.client(Budget(total=1, factor=0.01, jitter=0)).get("/x?limit=1")
    assert len(server.requests) > 1


def test_a_server_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        network = Network(silence=1, budget=Budget(total=0.1, factor=0, jitter=0))
        with pytest.raises(Unavailable, match="timed out"):
            Client(lambda: Credentials(host=url), network).get("/x")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for host in (f"http://127.0.0.1:{port}", f"http://nowhere.invalid:{port}"):
        network = Network(budget=Budget(total=0.05, factor=0.01))

        def load(host: str = host) -> Credentials:
            return Credentials(host=host)

        with pytest.raises(Unavailable, match=r"GET /x at"):
            Client(load, network).get("/x")


def test_the_end_of_the_run_ends_a_pause(stub: Start, virtual_time: VirtualTime) -> None:
    class Expired:
        def requested(self) -> bool:
            return True

        def expired(self) -> bool:
            return virtual_time.slept > 2

    server = stub(status(429) | {"Retry-After": "30"})
    client = Client(server.configuration, Network(), Expired())
    with pytest.raises(Interrupted):
        client.get("/x")
    assert virtual_time.slept < 3


def test_expired_credentials_are_loaded_anew_once(stub: Start) -> None:
    server = stub(status(401), OK, status(401))
    client = server.client()
    server.token = "second"
    assert client.get("/x").status == 200
    assert [r.headers["Authorization"] for r in server.requests] == [
        "Bearer first",
        "Bearer second",
    ]
    assert client.get("/x").status == 401
    assert len(server.requests) == 4


def test_many_refused_threads_load_once(stub: Start) -> None:
    loads = []
    server = stub(status(401), status(401), status(401), status(401), OK)

    def load() -> Credentials:
        loads.append(1)
        return server.configuration()

    client = Client(load, Network(budget=QUICK))
    gathered = threading.Barrier(4)
    replies, lock = server.next_reply, threading.Lock()

    def together(request: Any) -> Reply | None:
        with lock:
            reply = replies(request)
        if reply is not None and reply.status == 401:
            gathered.wait(5)
        return reply

    server.next_reply = together  # type: ignore[method-assign]
    threads = [threading.Thread(target=client.get, args=("/x",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 2


def test_too_large_an_answer_is_given_up(stub: Start) -> None:
    large = Reply(200, b"x" * 3_000_000)
    server = stub(large, OK)
    client = server.client()
    with pytest.raises(TooLarge):
        client.get("/x", max_bytes=1_000_000)
    assert client.get("/x", max_bytes=1_000_000).body == OK.data


def test_the_clock_is_that_of_the_first_answer(stub: Start) -> None:
    first = {"Date": "Wed, 31 Jan 2024 23:59:59 GMT"}
    server = stub(Reply(200, b"{}", first), OK)
    client = server.client()
    assert client.clock is None
    client.get("/x")
    client.get("/x")
    assert client.clock is not None
    assert client.clock.server == parse_time("2024-01-31T23:59:59Z")
    assert client.clock.skew == client.clock.server - client.clock.local


@pytest.mark.parametrize(
    "date",
    ["", "yesterday", "Wed, 31 Feb 2024 23:59:59 GMT", "Mon, 01 Jan 2024 00:00:00 +99999999999999"],
)
def test_a_date_that_is_none(stub: Start, date: str) -> None:
    client = stub(Reply(200, b"{}", {"Date": date})).client()
    client.get("/x")
    assert client.clock is None
