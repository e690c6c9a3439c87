"""Stubs and clocks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from archiver.kube import patience
from tests.unit.kube.stub import Reply, Stub


class VirtualTime:
    """A clock that only sleeping moves; seconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    """Patience then takes no time."""
    clock = VirtualTime()
    monkeypatch.setattr(patience, "time", clock)
    return clock


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    """Start a stub that gives these replies."""
    with ExitStack() as stack:

        def start(*replies: Reply | None) -> Stub:
            return stack.enter_context(closing(Stub(replies)))

        yield start
