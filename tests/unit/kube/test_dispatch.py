"""Many requests on one thread: who is sent, who is not, and how each of them ends."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from archiver.errors import ArchiverError, Forbidden, Interrupted, MarkRefused
from archiver.kube import Client, Network
from archiver.kube.answer import Answer
from archiver.kube.failures import require_success
from archiver.kube.lane import Call, Lane, Pace
from archiver.kube.request import Request as Asked
from archiver.kube.transfers import Transfers
from archiver.kube.window import Window
from tests.unit.kube.stub import Reply, Request, Stub, status

Start = Callable[..., Stub]


class Held(Stub):
    """Answers nothing before it is released; `arrived` says that somebody waits."""

    def __init__(self, reply: Reply) -> None:
        super().__init__([reply])
        self.released, self.arrived = threading.Event(), threading.Event()

    def next_reply(self, request: Request) -> Reply | None:
        reply = super().next_reply(request)
        self.arrived.set()
        self.released.wait(10)
        return reply


def one_at_a_time() -> Lane:
    return Lane(Window(1), ends_it=lambda error: isinstance(error, Forbidden))


def begin(
    client: Client,
    lane: Lane,
    path: str,
    interpret: Callable[[Answer], object] = lambda answer: answer.status,
) -> Future[object]:
    return client.patch(path, b"{}", headers=(), lane=lane, interpret=interpret)


def test_requests_of_a_lane_are_sent_in_order_and_no_more_than_its_window(stub: Start) -> None:
    server, lane = stub(Reply()), one_at_a_time()
    client = server.client()
    begun = [begin(client, lane, f"/{n}") for n in range(20)]
    assert [future.result(10) for future in begun] == [200] * 20
    assert [request.path for request in server.requests] == [f"/{n}" for n in range(20)]
    assert len(server.connections) == 1


def test_a_request_that_was_cancelled_before_it_was_sent_is_not_sent() -> None:
    server, lane = Held(Reply()), one_at_a_time()
    client = server.client()
    first, second, third = (begin(client, lane, f"/{n}") for n in range(3))
    assert server.arrived.wait(10)
    assert not first.cancel()
    assert second.cancel()
    server.released.set()
    assert (first.result(10), third.result(10)) == (200, 200)
    assert [request.path for request in server.requests] == ["/0", "/2"]
    server.close()


def test_what_waits_behind_a_missing_right_is_not_sent_and_ends_as_it_did() -> None:
    server, lane = Held(status(403)), one_at_a_time()
    client = server.client()
    begun = [begin(client, lane, f"/{n}", lambda a: require_success(a, "x")) for n in range(3)]
    assert server.arrived.wait(10)
    assert begun[1].cancel()
    server.released.set()
    for future in (begun[0], begun[2], begin(client, lane, "/later")):
        with pytest.raises(Forbidden):
            future.result(10)
    assert len(server.requests) == 1
    # What is read does not wait in that lane.
    assert client.get("/x").status == 403
    server.close()


@pytest.mark.parametrize("error", [MarkRefused("no"), ZeroDivisionError("a bug")])
def test_an_error_of_one_request_stops_no_other(stub: Start, error: Exception) -> None:
    def fail(_answer: Answer) -> object:
        raise error

    client, lane = stub(Reply()).client(), one_at_a_time()
    failing, fine = begin(client, lane, "/0", fail), begin(client, lane, "/1")
    with pytest.raises(type(error)):
        failing.result(10)
    assert fine.result(10) == 200


def test_a_client_that_is_closed_leaves_nobody_waiting() -> None:
    server, lane = Held(Reply()), one_at_a_time()
    client = server.client()
    begun = [begin(client, lane, f"/{n}") for n in range(3)]
    assert server.arrived.wait(10)
    client.close()
    for future in begun:
        with pytest.raises(Interrupted):
            future.result(10)
    with pytest.raises(Interrupted, match="closed"):
        client.get("/x")
    server.released.set()
    server.close()


def test_a_request_that_curl_does_not_take_stops_no_other(stub: Start) -> None:
    client, lane = stub(Reply()).client(), one_at_a_time()
    impossible, fine = begin(client, lane, "/\0"), begin(client, lane, "/1")
    with pytest.raises(ValueError, match="null byte"):
        impossible.result(10)
    assert fine.result(10) == 200


def test_a_bug_in_the_thread_leaves_nobody_waiting(
    stub: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Window, _sent: float, *, busy: bool | None) -> None:
        raise ZeroDivisionError(busy)

    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    monkeypatch.setattr(Window, "ended", broken)
    client, lane = stub(Reply()).client(), one_at_a_time()
    begun = [begin(client, lane, f"/{n}") for n in range(3)]
    for future in begun:
        with pytest.raises(ArchiverError, match="a bug ended all requests: ZeroDivisionError"):
            future.result(10)
    with pytest.raises(ArchiverError, match="a bug ended all requests"):
        client.get("/x")


class Ending:
    """A run whose time is up when the test says so."""

    def __init__(self) -> None:
        self.over = False

    def requested(self) -> bool:
        return self.over

    def expired(self) -> bool:
        return self.over


def test_what_never_ends_is_given_up_when_the_time_of_the_run_is_up() -> None:
    server, lane, ending = Held(Reply()), one_at_a_time(), Ending()
    client = Client(server.configuration, Network(), ending)
    under_way, waiting = begin(client, lane, "/0"), begin(client, lane, "/1")
    assert server.arrived.wait(10)
    ending.over = True
    for future in (under_way, waiting):
        with pytest.raises(Interrupted, match="time is up"):
            future.result(10)
    with pytest.raises(Interrupted):
        client.get("/x")
    server.released.set()
    client.close()
    server.close()


def test_the_pace_is_kept_and_nothing_is_slept_through() -> None:
    lane, now = Lane(Window(2), Pace(100)), 1000.0
    assert lane.left(now) is None
    for n in range(3):
        request = Asked("PATCH", f"/{n}", ())
        lane.add(Call(request, lane, lambda answer: answer.status))
    assert lane.left(now) == 0.0
    assert lane.next(now) is not None
    assert lane.next(now) is None
    assert lane.left(now) == pytest.approx(0.01)
    # Later than it may be sent: at once, and not "nothing waits".
    assert lane.left(now + 1) == 0.0
    assert lane.next(now + 1) is not None


def test_a_full_window_is_waited_for_and_not_asked_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Held(Reply())
    lane = Lane(Window(1), Pace(1000))
    client = server.client()
    begun = [begin(client, lane, f"/{n}") for n in range(3)]
    assert server.arrived.wait(10)
    turns: list[float] = []
    wait = Transfers.wait

    def counted(transfers: Transfers[object], seconds: float) -> None:
        turns.append(seconds)
        wait(transfers, seconds)

    monkeypatch.setattr(Transfers, "wait", counted)
    threading.Event().wait(0.5)
    assert len(turns) < 20
    server.released.set()
    assert [future.result(10) for future in begun] == [200] * 3
    server.close()


def test_an_idle_client_wakes_for_what_comes(stub: Start) -> None:
    client = stub(Reply()).client()
    assert client.get("/x").status == 200
    pause = threading.Event()
    for _ in range(3):
        pause.wait(0.05)
        assert client.get("/x").status == 200


def test_credentials_that_cannot_be_loaded_again_end_the_request(stub: Start) -> None:
    server = stub(status(401))
    loads = iter([server.configuration()])

    def load() -> object:
        try:
            return next(loads)
        except StopIteration:
            raise Forbidden("the token file is gone") from None

    client = Client(load)  # type: ignore[arg-type]
    with pytest.raises(ArchiverError, match="token file is gone"):
        client.get("/x")
    client.close()
