"""The plan's half of the table that it shares with the guard."""

import pytest

from archiver.domain.shapes import TERMINAL, normal_phase
from tests.policy_cases import CASES, WHITE_SPACE, PhaseCase


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_normal_phase(case: PhaseCase) -> None:
    phase = case.status.get("phase") if isinstance(case.status, dict) else None
    assert normal_phase(phase) == case.phase
    assert (normal_phase(phase) in TERMINAL) == case.terminal


def test_names_are_names_of_resources() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.resource(case.name)["metadata"]["name"] == case.name for case in CASES)


def test_the_white_space_is_unicodes_by_another_way() -> None:
    # Python's isspace() goes by the bidirectional type besides, and so has four more.
    spaces = {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert spaces - set(WHITE_SPACE) == set("\x1c\x1d\x1e\x1f")
    assert set(WHITE_SPACE) <= spaces
