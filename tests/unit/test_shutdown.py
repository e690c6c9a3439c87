"""When a run is told to end."""

import os
import signal
from collections.abc import Iterator

import pytest

from archiver.shutdown import Shutdown


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nothing_is_asked_before_the_deadline() -> None:
    clock = Clock()
    stop = Shutdown(10, 5, clock)
    clock.now += 9.9
    assert not stop.requested()
    assert not stop.expired()


def test_the_deadline_stops_the_listing_and_grace_the_rest() -> None:
    clock = Clock()
    stop = Shutdown(10, 5, clock)
    clock.now += 10
    assert (stop.requested(), stop.expired()) == (True, False)
    clock.now += 5
    assert stop.expired()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_deadline_now(number: int) -> None:
    clock = Clock()
    stop = Shutdown(1000, 5, clock)
    stop.install()
    os.kill(os.getpid(), number)
    assert (stop.requested(), stop.expired()) == (True, False)
    clock.now += 5
    assert stop.expired()


def test_a_second_signal_does_not_prolong_the_grace() -> None:
    clock = Clock()
    stop = Shutdown(1000, 5, clock)
    stop.install()
    os.kill(os.getpid(), signal.SIGTERM)
    clock.now += 4
    os.kill(os.getpid(), signal.SIGTERM)
    clock.now += 1
    assert stop.expired()


def test_a_second_interrupt_ends_the_process_as_usual() -> None:
    stop = Shutdown(1000, 5)
    stop.install()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
