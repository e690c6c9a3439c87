"""For all tests of a node."""

from pathlib import Path

import pytest

from tests.postgres.relay import LOOPBACK
from tests.unit.node.kind_machine import DOCKER, KIND, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name, text in (("kind", KIND), ("docker", DOCKER)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "gateway").write_text(LOOPBACK)
    (tmp_path / "temporary").mkdir()
    return Machine(tmp_path)
