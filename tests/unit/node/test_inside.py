"""What a node tells the tests that run on it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.e2e.node import target
from tests.node.inside import _known


def test_the_tests_are_told_all_that_they_ask_for() -> None:
    servers: Any = SimpleNamespace(kubeconfig=Path("/kubeconfig"))
    told = _known(servers, Path("/node"), ["archiver:1"])
    # Where a name is another one, the tests that need it are left out, and nobody notices.
    asked = {value for name, value in vars(target).items() if name.isupper() and name != "HOW"}
    assert told.keys() == asked
    assert all(told.values())
