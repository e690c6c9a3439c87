"""Refusals of an API server that has just started, and those that count."""

import threading
from collections.abc import Callable

import pytest

from archiver.errors import Forbidden, Interrupted, Unavailable
from archiver.kube import Client, readiness
from archiver.kube.answer import Answer
from archiver.kube.failures import require_success
from archiver.kube.lane import Lane
from archiver.kube.patience import Budget
from archiver.kube.window import Window
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import QUICK, Reply, Request, Stub, status

Start = Callable[..., Stub]

# RBAC's words before its caches are full; of paths and of resources.
NOT_READY = status(
    403, 'forbidden: User "archiver" cannot get path "/readyz": RBAC: clusterrole "x" not found'
)
REFUSED = status(403, 'forbidden: User "archiver" cannot list resource "tickets" in API group "g"')
READY = Reply(200, b"ok")
OK = Reply(200, {"kind": "Ok"})
LONG = Budget(total=60.0, factor=1.0, longest=1.0, jitter=0.0)


def paths(server: Stub) -> list[str]:
    return [request.path for request in server.requests]


def ends_all() -> Lane:
    return Lane(Window(1), ends_it=lambda _error: True)


def begin(client: Client, lane: Lane, path: str) -> Callable[[], int]:
    def interpret(answer: Answer) -> int:
        return require_success(answer, "mark").status

    future = client.patch(path, b"{}", headers=(), lane=lane, interpret=interpret)
    return lambda: future.result(10)


def test_what_is_refused_by_a_server_that_has_just_started_is_asked_again(stub: Start) -> None:
    server = stub(REFUSED, NOT_READY, REFUSED, READY, OK)
    assert server.client().get("/x").status == 200
    assert paths(server) == ["/x", "/readyz", "/x", "/readyz", "/x"]


def test_a_mark_that_is_refused_then_ends_nothing(stub: Start) -> None:
    server = stub(REFUSED, NOT_READY, REFUSED, READY, OK)
    client, lane = server.client(), ends_all()
    first, second = begin(client, lane, "/1"), begin(client, lane, "/2")
    assert (first(), second()) == (200, 200)


def test_a_refusal_by_a_server_that_is_ready_counts_the_second_time(stub: Start) -> None:
    server = stub(REFUSED, READY, REFUSED)
    assert server.client().get("/x").status == 403
    assert paths(server) == ["/x", "/readyz", "/x"]


def test_a_refusal_in_words_of_admission_or_of_a_proxy_counts_at_once(stub: Start) -> None:
    for refusal in (status(403, 'admission webhook "w" denied the request: no'), Reply(403, b"no")):
        server = stub(refusal)
        assert server.client().get("/x").status == 403
        assert paths(server) == ["/x"]


def test_where_readiness_may_not_be_asked_for_a_refusal_counts_after_ten_seconds(
    stub: Start, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "time", virtual_time)
    server = stub(REFUSED)
    client, begun = server.client(LONG), virtual_time.now
    assert client.get("/x").status == 403
    assert 10 < virtual_time.now - begun < 12
    # It is waited for once: what is optional is refused at each run.
    waited, asked = virtual_time.now, len(server.requests)
    assert client.get("/y").status == 403
    assert virtual_time.now == waited
    assert paths(server)[asked:] == ["/y", "/readyz", "/y"]


def test_after_a_lost_connection_a_refusal_is_doubted_anew(
    stub: Start, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "time", virtual_time)
    server = stub(REFUSED)
    client = server.client(LONG)
    assert client.get("/x").status == 403
    server.replies.extend([None, REFUSED, NOT_READY, OK])
    server.replies.popleft()
    assert client.get("/y").status == 200


def test_a_mark_whose_connection_is_lost_is_doubted_anew(stub: Start) -> None:
    # One that is lost while it lay idle is replaced by curl itself.
    server = stub(REFUSED, READY, None, None, REFUSED, READY, OK)
    assert begin(server.client(), ends_all(), "/x")() == 200
    assert paths(server) == ["/x", "/readyz", "/x", "/x", "/x", "/readyz", "/x"]


def test_each_start_of_a_server_has_its_ten_seconds(
    stub: Start, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "time", virtual_time)
    server = stub(REFUSED, NOT_READY, REFUSED, READY, OK)
    client = server.client(LONG)
    assert client.get("/x").status == 200
    virtual_time.now += 60
    server.replies.extend([REFUSED, NOT_READY, REFUSED, READY, OK])
    server.replies.popleft()
    assert client.get("/x").status == 200


def test_a_server_that_does_not_become_ready_is_away_and_no_right_is_missing(stub: Start) -> None:
    for told in (status(500, "[-]informer-sync failed"), status(429, "ready later"), None):
        server = stub(REFUSED, told)
        client = server.client(Budget(total=0.1, factor=0.001, longest=0.01, jitter=0.001))
        with pytest.raises(Unavailable, match=r"ready.*before, it refused: forbidden: User"):
            begin(client, ends_all(), "/x")()


def test_a_refusal_goes_on_being_one_where_its_own_budget_ends_first(stub: Start) -> None:
    client = stub(REFUSED).client(Budget(total=0.1, factor=0.001, longest=0.01, jitter=0.001))
    with pytest.raises(Forbidden):
        begin(client, ends_all(), "/x")()


class Asked(Stub):
    """Refuses, and does not say whether it is ready before it is released."""

    def __init__(self) -> None:
        super().__init__([REFUSED])
        self.asked, self.released = threading.Event(), threading.Event()

    def next_reply(self, request: Request) -> Reply | None:
        reply = super().next_reply(request)
        if request.path == "/readyz":
            self.asked.set()
            self.released.wait(10)
        return reply


def test_a_client_that_is_closed_while_it_asks_leaves_nobody_waiting() -> None:
    server = Asked()
    client = server.client(QUICK)
    mark = begin(client, ends_all(), "/x")
    assert server.asked.wait(10)
    client.close()
    server.released.set()
    with pytest.raises(Interrupted, match="closed"):
        mark()
    server.close()
