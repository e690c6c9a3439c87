"""What hangs, until its test is over."""

import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """What hangs waits for this event, which is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith(("mark", "list")):
            thread.join(10)
