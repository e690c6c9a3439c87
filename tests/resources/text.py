"""Filler of an exact size, that reads and compresses like the real thing."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.crds import Object
from tests.resources.gotext import SECOND, time
from tests.resources.incident import Incident

_LEVELS = ("INFO ", "INFO ", "INFO ", "WARN ", "ERROR")
_CHATTER = (
    "request served",
    "connection to upstream closed by peer",
    "retrying in 250ms",
    "config reloaded, nothing changed",
    "lease renewed",
    "slow query logged",
)


def canonical_size(value: object) -> int:
    """The number of bytes of a value as JSON with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode())


def filled(build: Callable[[str], Object], incident: Incident, size: int) -> Object:
    """`build(log)` with as long a log as makes the whole `size` bytes of canonical JSON."""
    return build(log(incident, size - canonical_size(build(""))))


def log(incident: Incident, size: int) -> str:
    """The workload's last lines: `size` bytes as JSON text, quotes not counted; "" if negative."""
    rng = incident.rng("log")
    at = incident.timeline.started - 300 * SECOND
    lines: list[str] = []
    left = size
    while left > 0:
        at += rng.randrange(SECOND // 50, 4 * SECOND)
        said = incident.alert.log_line if rng.random() < 0.4 else rng.choice(_CHATTER)
        line = f"{time(at)} {rng.choice(_LEVELS)} [{rng.getrandbits(24):06x}] {said}"
        lines.append(line[:left])
        # A line break is two bytes in JSON.
        left -= len(line) + 2
    return "\n".join(lines)
