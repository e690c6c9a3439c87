"""A busy API server gets fewer requests at once, and as many as before when it no longer is."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.kube import KubeMarker, window
from archiver.kube.patience import Budget
from archiver.kube.window import Window
from archiver.ports import MarkOutcome
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import Reply, Request, Stub, status
from tests.unit.kube.test_ports import MARK, MARKED, TICKETS, resource


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    virtual = VirtualTime()
    monkeypatch.setattr(window, "time", virtual)
    return virtual


def answered(one: Window, clock: VirtualTime, *, busy: bool) -> None:
    sent = one.sent()
    clock.sleep(0.01)
    one.ended(sent, busy=busy)


def test_a_refusal_halves_it_down_to_one(clock: VirtualTime) -> None:
    one = Window(16)
    limits = []
    for _ in range(6):
        answered(one, clock, busy=True)
        limits.append(one.limit)
    assert limits == [8, 4, 2, 1, 1, 1]


def test_a_crowd_that_is_refused_together_is_one_refusal(clock: VirtualTime) -> None:
    one = Window(16)
    sent = [one.sent() for _ in range(16)][-1]
    for _ in range(16):
        clock.sleep(0.001)
        one.ended(sent, busy=True)
    assert one.limit == 8


def test_it_grows_by_one_a_second_and_no_further_than_it_began(clock: VirtualTime) -> None:
    one = Window(4)
    answered(one, clock, busy=True)
    limits = []
    for _ in range(80):
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
    one = Window(2)
    sent = [one.sent(), one.sent()]
    assert not one.has_room
    one.ended(sent[0], busy=False)
    assert one.has_room


def test_a_place_is_given_back_where_no_answer_comes() -> None:
    one = Window(1)
    one.ended(one.sent(), busy=None)
    assert one.has_room
    assert one.limit == 1


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
        return MARKED


def test_a_refusal_of_one_mark_slows_the_others() -> None:
    server = Seats(2)
    # Long enough for a machine that is busy with other tests.
    patient = Budget(total=60, factor=0.001, jitter=0.001)
    marks = KubeMarker(server.client(patient), TICKETS, most_at_once=16)
    begun = [marks.mark(resource(), MARK) for _ in range(150)]
    assert {mark.result() for mark in begun} == {MarkOutcome.MARKED}
    server.close()
    # Without a window sixteen would go on at once, and nearly every request would be refused.
    assert 0 < server.refused < 60
