"""The demo is what a stranger sees first."""

import pytest

from demo.__main__ import main


def test_the_demo_shows_a_dry_run_a_run_and_a_second_run_that_writes_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main() == 0
    shown = capfd.readouterr().out
    assert shown.count("\neffects: 27 inserted, 27 marked") == 1
    assert "nothing was written; effects would be: 27 inserted, 27 marked" in shown
    assert "would be archived    kubernaut-system/checkout-api-high-memory-usage-03 (uid " in shown
    assert "effects: none" in shown
    assert "54 patches were sent: half of them by the dry run, none by the second run" in shown
    assert shown.index("checkout-api-high-memory-usage-03") < shown.index("PT62.25S")
