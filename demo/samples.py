"""Writes the sample resources, their times relative to a given moment.

The files in `demo/samples/` have fixed times, so that a checkout is the same on any day: they are
what this writes for `--now 2026-01-02T00:00:00Z`. At any later date all of them would be long past
their cleanup and no query about the last seven days would find one; so the demo, when it starts,
writes the same 50 anew for the present into a folder of its own. Names and uids stay, only times
(and what holds them: log lines, payloads) move.

One file a shape, each a List as `kubectl get -o json` prints it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from demo.sample_set import parents, samples
from tests.resources import Object, Shape

BUNDLED: Final = Path(__file__).with_name("samples")
BUNDLED_NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
FILES: Final[dict[Shape, str]] = {
    "A": "remediationprocessings-v1.json",
    "B": "remediationprocessings-v1alpha1.json",
    "C": "signalprocessings-v1alpha1.json",
}


def write(now: datetime, folder: Path) -> list[Path]:
    """Write the sample files for `now` (aware) into a folder that is made; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = samples(now)
    paths = []
    for shape, name in FILES.items():
        items = [sample for of, sample in made if of == shape]
        paths.append(folder / name)
        paths[-1].write_text(as_list(items), encoding="utf-8")
    return paths


def as_list(items: Sequence[Object]) -> str:
    """Objects as kubectl prints them, in the API server's order."""
    ordered = sorted(
        items, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"])
    )
    whole = {
        "apiVersion": "v1",
        "items": ordered,
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }
    return json.dumps(whole, indent=4, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.samples", description="Write the samples."
    )
    parser.add_argument("--now", help="RFC 3339; default: the present", type=_moment)
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument(
        "--parents", type=Path, metavar="FILE", help="also write the RemediationRequests, here"
    )
    given = parser.parse_args(arguments)
    now = given.now or datetime.now(UTC)
    for path in write(now, given.output):
        print(path)
    if given.parents:
        given.parents.write_text(as_list(parents(now)), encoding="utf-8")
        print(given.parents)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone")
    return moment.astimezone(UTC)


if __name__ == "__main__":
    main()
