"""How far the processing of an object is, and when it ended: read before it is known to be due."""

from typing import Any, Final

import msgspec

from archiver.domain import shapes
from archiver.domain.custom_resource import CustomResource
from archiver.domain.reading import MISSING, Reader, follow, parse_path

_CONDITIONS: Final = parse_path("status.conditions")
_PHASE: Final = parse_path(shapes.PHASE[0].path)


class Completion(msgspec.Struct, frozen=True):
    """When processing ended (nanoseconds since the epoch), and how far that is to be trusted."""

    at: int
    flags: tuple[str, ...] = ()


def phase_of(resource: CustomResource) -> str:
    """The phase, trimmed and in lower case; "" where there is none or it is no text."""
    return shapes.normal_phase(follow(resource.decisive, _PHASE))


def has_unreadable_status(resource: CustomResource) -> bool:
    """Whether status is there but no object (null, "", a list, a number), or its phase no text."""
    phase = follow(resource.decisive, _PHASE)
    said = phase is MISSING or isinstance(phase, str)
    return not (said and isinstance(resource.decisive.get("status", {}), dict))


def completion_of(resource: CustomResource) -> Completion:
    """The completion time: what status says, else the last phase's end, the last condition, birth.

    The last resort is the creationTimestamp, so that no completed object is skipped for ever for
    want of a time; each step down has a flag. Raises Unreadable as `CustomResource.tree` does.
    """
    reader = Reader(resource.decisive)
    said = _earliest_trusted(reader)
    if said is not None:
        return Completion(said, tuple(reader.flags))
    flags = (*dict.fromkeys(reader.flags), "missing:completed_at")
    tree = resource.tree
    for name, times in (
        ("phase-end", _times(tree, shapes.PHASE_ENDS)),
        ("condition", _condition_times(tree)),
    ):
        if times:
            return Completion(max(times), (*flags, f"completed-at-from:{name}"))
    return Completion(resource.key.created_at, (*flags, "completed-at-from:creation"))


def _earliest_trusted(reader: Reader) -> int | None:
    # The one field whose wrong value is passed over: without a time nothing would ever be due.
    for place in shapes.COMPLETED_AT:
        found: int | None = reader.quiet("completed_at", (place,))
        if found is not None:
            if reader.flags:
                reader.flags.append(f"completed-at-from:{place.key}")
            return found
    return None


def _times(tree: Any, places: shapes.Places) -> list[int]:
    reader = Reader(tree)
    found = (reader.first("", (place,)) for place in places)
    return [time for time in found if time is not None]


def _condition_times(tree: Any) -> list[int]:
    conditions = follow(tree, _CONDITIONS)
    if not isinstance(conditions, list):
        return []
    return [time for item in conditions for time in _times(item, shapes.CONDITION_TIME)]
