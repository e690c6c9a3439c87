"""How a node is told to end."""

import signal
from collections.abc import Iterator

import pytest

from tests.node import enclosure
from tests.node.janitor import ENDING


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, *ENDING)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_second_interrupt_while_the_first_is_being_handled_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[int] = []
    sent: list[int] = []

    def send(_process: object, number: int) -> bool:
        sent.append(number)
        if sent == [signal.SIGINT]:
            signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr(enclosure, "_send", send)
    last_word = enclosure._on_signals(None, ended)  # type: ignore[arg-type]  # never looked at
    signal.raise_signal(signal.SIGINT)
    last_word.cancel()
    assert sent == [signal.SIGINT, signal.SIGKILL]
    assert ended == [signal.SIGINT]
