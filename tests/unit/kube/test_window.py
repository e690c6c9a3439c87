"""A busy API server gets fewer requests at once, and as many as before when it no longer is."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.kube import KubeMarker, window
from archiver.kube.patience import Budget
from archiver.kube.window import Window
from archiver.ports import MarkOutcome
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import Reply, Request, Stub, status
from tests.unit.kube.test_ports import MARK, TICKETS, resource


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    virtual = VirtualTime()
    monkeypatch.setattr(window, "time", virtual)
    return virtual


def answered(one: Window, clock: VirtualTime, *, busy: bool) -> None:
    with one.slot() as sent:
        clock.sleep(0.01)
    one.answered(sent, busy=busy)


def test_a_refusal_halves_it_down_to_one(clock: VirtualTime) -> None:
    one = Window(16)
    limits = []
    for _ in range(6):
        answered(one, clock, busy=True)
        limits.append(one.limit)
    assert limits == [8, 4, 2, 1, 1, 1]


def test_a_crowd_that_is_refused_together_is_one_refusal(clock: VirtualTime) -> None:
    one = Window(16)
    sent = clock.monotonic()
    for _ in range(16):
        clock.sleep(0.001)
        one.answered(sent, busy=True)
    assert one.limit == 8


def test_it_grows_by_one_a_second_and_no_further_than_it_began(clock: VirtualTime) -> None:
    one = Window(4)
    answered(one, clock, busy=True)
    limits = []
    for _ in range(40):
        clock.sleep(0.1)
        answered(one, clock, busy=False)
        limits.append(one.limit)
    assert limits.count(2) == 9
    assert limits.count(3) == 10
    assert limits[-1] == 4


def test_without_refusals_nothing_changes(clock: VirtualTime) -> None:
    one = Window(3)
    for _ in range(10):
        clock.sleep(5)
        answered(one, clock, busy=False)
    assert one.limit == 3


@given(st.integers(1, 256), st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=60))
def test_it_stays_between_one_and_the_most(most: int, story: list[tuple[bool, float]]) -> None:
    one, clock = Window(most), VirtualTime()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "time", clock)
        for busy, seconds in story:
            clock.sleep(seconds)
            answered(one, clock, busy=busy)
            assert 1 <= one.limit <= most


def test_no_more_than_the_limit_are_under_way() -> None:
    one, lock = Window(8), threading.Lock()
    one.answered(float("inf"), busy=True)
    now, peak = 0, 0

    def work(_number: int) -> None:
        nonlocal now, peak
        with one.slot():
            with lock:
                now += 1
                peak = max(peak, now)
            inside.wait(0.002)
            with lock:
                now -= 1

    inside = threading.Event()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(200)))
    assert (one.limit, peak) == (4, 4)


def test_a_place_is_given_back_where_the_request_fails() -> None:
    one = Window(1)
    with pytest.raises(OSError, match="cut"), one.slot():
        raise OSError("cut")
    with one.slot():
        pass


class Seats(Stub):
    """An API server that works on so many requests at once and refuses the others."""

    def __init__(self, seats: int) -> None:
        super().__init__([])
        self.refused = 0
        self._free = threading.Semaphore(seats)
        self._pause = threading.Event()

    def next_reply(self, request: Request) -> Reply | None:
        if not self._free.acquire(blocking=False):
            self.refused += 1
            return status(429, "too many requests") | {"Retry-After": "0"}
        self._pause.wait(0.01)
        self._free.release()
        return Reply(200, MARK.digest.encode())


def test_a_refusal_of_one_mark_slows_the_others() -> None:
    server = Seats(2)
    # Long enough for a machine that is busy with other tests.
    patient = Budget(total=60, factor=0.001, jitter=0.001)
    marks = KubeMarker(server.client(patient), TICKETS, most_at_once=16)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: marks.mark(resource(), MARK), range(150)))
    server.close()
    assert set(outcomes) == {MarkOutcome.MARKED}
    # Without a window sixteen would go on at once, and nearly every request would be refused.
    assert 0 < server.refused < 60
