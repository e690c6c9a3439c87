"""Phases, as the guard has them, and the table of places."""

import pytest

from archiver.domain import shapes
from archiver.domain.completion import phase_of
from tests.policy_cases import CASES, PhaseCase
from tests.unit.domain.objects import obj, read


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_phase(case: PhaseCase) -> None:
    phase = phase_of(read(case.resource("rp") | {"metadata": obj()["metadata"]}))
    assert phase == case.phase
    assert (phase in shapes.TERMINAL) is case.terminal


def test_terminal_phases_are_known() -> None:
    assert shapes.TERMINAL < shapes.KNOWN
    assert "succeeded" not in shapes.KNOWN
