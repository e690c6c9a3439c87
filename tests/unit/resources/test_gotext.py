"""Times and durations against what Go prints for the same value."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.resources import gotext


@pytest.mark.parametrize(
    ("lasted", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (250_000_000, "250ms"),
        (1_500_000_000, "1.5s"),
        (90_250_000_000, "1m30.25s"),
        (300_000_000_000, "5m0s"),
        (3_600_000_000_001, "1h0m0.000000001s"),
        (-500_000_000, "-500ms"),
    ],
)
def test_duration(lasted: int, text: str) -> None:
    assert gotext.duration(lasted) == text


def test_time() -> None:
    at = gotext.nanoseconds(datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC))
    assert gotext.time(at) == "2026-01-02T03:04:05.6Z"
    assert gotext.time(at + 1) == "2026-01-02T03:04:05.600000001Z"
    assert gotext.meta_time(at) == "2026-01-02T03:04:05Z"
