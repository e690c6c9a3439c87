"""The bundled samples: what the demo promises of them, counted."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from demo.sample_set import parents, samples
from demo.samples import BUNDLED, BUNDLED_NOW, FILES, main, write
from tests.crds import BY_SHAPE, load
from tests.crds.validation import problems
from tests.resources import Object

TERMINAL: Final = {"completed", "failed"}


@pytest.fixture(scope="module")
def bundled() -> list[Object]:
    lists = [json.loads((BUNDLED / name).read_text(encoding="utf-8")) for name in FILES.values()]
    return [item for each in lists for item in each["items"]]


def phase(sample: Object) -> str:
    word: str = sample["status"]["phase"]
    return word.strip().lower()


def ended(sample: Object) -> datetime:
    status = sample["status"]
    return datetime.fromisoformat(status.get("completionTime") or status["completedAt"])


def test_there_are_fifty_with_unique_uids(bundled: list[Object]) -> None:
    assert len(bundled) == len({sample["metadata"]["uid"] for sample in bundled}) == 50


def test_they_are_what_the_generator_writes(tmp_path: Path) -> None:
    for path in write(BUNDLED_NOW, tmp_path):
        again = "run python -m demo.samples --now 2026-01-02T00:00:00Z --output demo/samples"
        assert path.read_text() == (BUNDLED / path.name).read_text(), again


def test_they_are_small(bundled: list[Object]) -> None:
    assert sum((BUNDLED / name).stat().st_size for name in FILES.values()) < 600_000
    assert sum(len(json.dumps(sample)) > 8_192 for sample in bundled) <= 25


def test_they_are_valid_under_their_definitions() -> None:
    crds = {shape: load(name) for shape, name in BY_SHAPE.items()}
    for shape, sample in samples(BUNDLED_NOW):
        assert problems(crds[shape], sample) == []


def test_thirty_six_are_due_six_not_yet_and_eight_in_processing(bundled: list[Object]) -> None:
    done = [sample for sample in bundled if phase(sample) in TERMINAL]
    due = [sample for sample in done if BUNDLED_NOW - ended(sample) >= timedelta(hours=18)]
    assert (len(due), len(done) - len(due), 50 - len(done)) == (36, 6, 8)


def test_they_tell_the_stories_of_the_demo(bundled: list[Object]) -> None:
    text = {sample["metadata"]["name"]: json.dumps(sample) for sample in bundled}
    assert sum(phase(sample) == "failed" for sample in bundled) == 3
    assert sum('"degradedMode": true' in one for one in text.values()) == 2
    assert sum('"phase": " Completed "' in one for one in text.values()) == 1
    assert sum('"duration": "3 minutes"' in one for one in text.values()) == 1
    assert sum("\\u0000" in one for one in text.values()) == 1
    slow = [
        sample["status"]["enrichmentResults"]["duration"]
        for sample in bundled
        if "enrichmentResults" in sample["status"]
    ]
    assert {"2.417s", "3.75s", "12.5s", "1m2.25s"} <= set(slow)


def test_alerts_recur(bundled: list[Object]) -> None:
    prints = Counter(
        sample["spec"].get("signalFingerprint")
        or sample["spec"].get("signal", sample["spec"].get("alert"))["fingerprint"]
        for sample in bundled
    )
    assert prints["mem-pressure-prod-123"] == 4
    assert max(prints.values()) >= 5


def test_another_day_moves_times_and_nothing_else(bundled: list[Object]) -> None:
    later = BUNDLED_NOW + timedelta(days=200, hours=5, seconds=1)
    moved = {sample["metadata"]["uid"]: sample for _, sample in samples(later)}
    for sample in bundled:
        other = moved[sample["metadata"]["uid"]]
        assert other["metadata"]["name"] == sample["metadata"]["name"]
        if phase(sample) in TERMINAL:
            assert ended(other) - ended(sample) == later - BUNDLED_NOW


def test_every_owner_is_there(bundled: list[Object]) -> None:
    owners = {parent["metadata"]["uid"]: parent for parent in parents(BUNDLED_NOW)}
    for sample in bundled:
        (reference,) = sample["metadata"]["ownerReferences"]
        assert owners[reference["uid"]]["metadata"]["name"] == reference["name"]


def test_the_command_writes_the_present_by_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--output", str(tmp_path / "a"), "--parents", str(tmp_path / "parents.json")])
    assert len(capsys.readouterr().out.splitlines()) == 4
    items = json.loads((tmp_path / "a" / FILES["A"]).read_text())["items"]
    newest = max(ended(item) for item in items if phase(item) in TERMINAL)
    assert timedelta(hours=3) < datetime.now(UTC) - newest < timedelta(hours=4)


def test_a_moment_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--now", "2026-01-02T00:00:00", "--output", str(tmp_path)])
