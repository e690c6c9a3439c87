"""What bench/ says is what was measured."""

import json
from pathlib import Path

from bench.population import terminal
from bench.results import PARTS, results_of
from bench.rivals import rivals_table

BENCH = Path(__file__).parents[3] / "bench"


def test_results_are_written_from_the_figures_beside_them() -> None:
    assert results_of(BENCH) == (BENCH / "RESULTS.md").read_text(encoding="utf-8")
    assert {path.stem for path in BENCH.glob("*.json")} == set(PARTS)


def test_the_readme_has_our_figures_beside_the_others() -> None:
    table = rivals_table(json.loads((BENCH / "results.json").read_text()))
    assert table in (BENCH / "README.md").read_text(encoding="utf-8")


def test_one_resource_in_ten_has_not_ended() -> None:
    assert [terminal(count) for count in (0, 5, 6, 10, 1_000)] == [0, 5, 5, 9, 900]
