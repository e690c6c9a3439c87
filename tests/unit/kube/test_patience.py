"""What is said of repetitions, and how often."""

from collections.abc import Callable
from itertools import pairwise

from structlog.testing import capture_logs

from archiver.kube.client import Client
from archiver.kube.lane import Lane
from archiver.kube.patience import Budget, Outage
from archiver.kube.window import Window
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import Stub, status

MANY = 1000


def said(outage: Outage, times: int, clock: VirtualTime, every: float) -> list[int]:
    with capture_logs() as logs:
        for _ in range(times):
            clock.sleep(every)
            outage.repeated(request="GET /x")
    assert {event["event"] for event in logs} <= {"request.repeated"}
    return [event["repetitions"] for event in logs]


def test_of_many_repetitions_few_are_said_and_all_are_counted(virtual_time: VirtualTime) -> None:
    assert said(Outage(), MANY, virtual_time, 0.0) == [2**n for n in range(10)]


def test_nothing_is_kept_back_for_longer_than_half_a_minute(virtual_time: VirtualTime) -> None:
    numbers = said(Outage(), 64, virtual_time, 10.0)
    assert all(later - earlier <= 3 for earlier, later in pairwise(numbers))


def test_the_next_outage_is_said_at_once(virtual_time: VirtualTime) -> None:
    outage = Outage()
    said(outage, 7, virtual_time, 0.0)
    virtual_time.sleep(60)
    assert said(outage, 3, virtual_time, 0.0) == [1, 2]


def test_all_requests_of_one_client_meet_the_same_outage(stub: Callable[..., Stub]) -> None:
    server = stub(status(503))
    client: Client = server.client(Budget(total=0.1, factor=0.01, longest=0.02, jitter=0.0))
    lane = Lane(Window(16))
    with capture_logs() as logs:
        futures = [
            client.patch(f"/{n}", b"{}", headers=(), lane=lane, interpret=lambda a: a.status)
            for n in range(16)
        ]
        assert {future.result() for future in futures} == {503}
    repeated = len(server.requests) - 16
    events = [event for event in logs if event["event"] == "request.repeated"]
    numbers = [event["repetitions"] for event in events]
    assert numbers == [2**n for n in range(len(numbers))]
    assert repeated / 2 < numbers[-1] <= repeated
