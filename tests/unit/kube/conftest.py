"""Stubs and clocks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from archiver.kube import dispatch, patience
from archiver.kube.transfers import Transfers
from tests.unit.kube.stub import Reply, Stub

LONG = 30.0  # seconds: a thread that has nothing to do waits longer, and is no pause


class VirtualTime:
    """A clock that only sleeping moves; seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return round(self.now * 1e9)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    """Patience then takes no time: where nothing is under way, a wait moves the clock."""
    clock = VirtualTime()
    really_wait = Transfers.wait

    def wait(transfers: Transfers[object], seconds: float) -> None:
        idle = not len(transfers) and seconds < LONG
        clock.sleep(seconds if idle else 0)
        really_wait(transfers, 0 if idle else seconds)

    monkeypatch.setattr(Transfers, "wait", wait)
    monkeypatch.setattr(patience, "time", clock)
    monkeypatch.setattr(dispatch, "time", clock)
    return clock


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    """Start a stub that gives these replies."""
    with ExitStack() as stack:

        def start(*replies: Reply | None) -> Stub:
            return stack.enter_context(closing(Stub(replies)))

        yield start
