"""Audit records of realistic resources, made as a run makes them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import NAMESPACE_DNS, uuid5

from archiver.domain import gotime
from archiver.domain.plan import Archive, Terms, plan
from archiver.domain.policy import Policy
from tests.fakes.cluster import parsed
from tests.resources import Shape, as_stored, draw, written

CLUSTER: Final = "7f9c2a52-3f0e-4a53-9b7e-0d5f4f0f7a11"
STORE: Final = "0b0e5a0e-6f0c-4d8b-9d70-6d4a3f0a9e11"
_SHAPES: Final[tuple[Shape, ...]] = ("A", "B", "C")


def archives(count: int, *, salt: str = "", context_bytes: int = 8192) -> Iterator[Archive]:
    """What `plan` decides for `count` completed resources, a third of each shape."""
    now = datetime.now(UTC)
    terms = Terms(Policy(everything=True), gotime.from_datetime(now), "run", STORE)
    for number in range(count):
        incident = draw(
            f"{salt}{number}",
            now=now,
            completed_ago=timedelta(hours=20, seconds=number),
            phase="failed" if number % 7 == 0 else "completed",
            context_bytes=context_bytes,
        )
        created = gotime.format_time(incident.timeline.created)
        whole = as_stored(written(incident, _SHAPES[number % 3]), creation_timestamp=created)
        whole["metadata"]["uid"] = str(uuid5(NAMESPACE_DNS, f"{salt}{number}"))
        decision = plan(parsed(whole), terms)
        assert isinstance(decision, Archive)
        yield decision
