"""The objects of one document of a dump: itself, or the items of a list and of lists within it."""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from archiver.domain.canonical import MAX_DEPTH
from archiver.files.split import Items, Part, items, problem
from archiver.ports import Unparsed

# Each list is two levels, itself and its items: beyond this no object could be read.
_MOST_LISTS: Final = MAX_DEPTH // 2
# What is cut by brackets is gone through anew for each list around it, so it may not be as deep.
_BROKEN_COUNTS: Final = 25


class Document(NamedTuple):
    """One object. `api_version` and `kind` are its list's, for an item that carries none.

    `raw` is JSON text, with every number as it was written; whether it is a custom resource, or
    fit to be archived, nobody has asked yet.
    """

    position: str
    raw: bytes
    api_version: str = ""
    kind: str = ""


Entry: TypeAlias = Document | Unparsed


class Flaw(NamedTuple):
    """What is wrong with bytes that are not whole: the slug, and a sentence."""

    reason: str
    message: str


CUT_SHORT: Final = Flaw("truncated", "cut short: its end is missing")


def objects(
    place: str, part: Part, flaw: Flaw = CUT_SHORT, *, is_yaml: bool = False
) -> Iterator[Entry]:
    """The object that this document is, or those of its list, as far as they can be read.

    What is not whole has the `flaw`. YAML that is cut short may look whole, and so may its last
    item.
    """
    found = items(part)
    if found is None:
        yield _one(place, part, flaw)
        return
    if found.doubled:
        yield _doubled(place, part)
        return
    unnamed = is_yaml and not found.named
    yield from _items(place, found, flaw, whole=part.whole and not unnamed, is_yaml=is_yaml)


def _items(
    place: str, found: Items, flaw: Flaw, *, whole: bool, is_yaml: bool, depth: int = 0
) -> Iterator[Entry]:
    """Those of a list, and of lists within it, as kubectl takes them: all are items of the file."""
    last = len(found.parts)
    depth += 1 if found.is_json else _BROKEN_COUNTS
    suspect = not (whole and found.closed)
    for number, item in enumerate(found.parts, 1):
        position = f"{place} item {number}"
        part = Part(item.raw, item.whole and not (suspect and is_yaml and number == last))
        within = _list_within(part, found)
        if within is None:
            yield _one(position, part, flaw, api_version=found.api_version, kind=found.kind)
        elif within.doubled:
            yield _doubled(position, part)
        elif depth >= _MOST_LISTS:
            said = f"{position}: a list within too many others to be read"
            yield Unparsed(position, "too-deep", said, bytes(part.raw))
        else:
            yield from _items(
                position, within, flaw, whole=part.whole, is_yaml=is_yaml, depth=depth
            )
    if suspect and (not last or (found.parts[-1].whole and not is_yaml)):
        said = f"the list is {flaw.message}" if flaw is CUT_SHORT else flaw.message
        yield Unparsed(place, flaw.reason, f"{place}: {said}", b"")


def _doubled(place: str, part: Part) -> Unparsed:
    said = f"{place}: the list has the key 'items' twice, so that nobody can tell what it holds"
    return Unparsed(place, "duplicate-key", said, bytes(part.raw))


def _list_within(part: Part, around: Items) -> Items | None:
    """The items of an item that is a list; None for any other.

    An item without a kind is of the one that the list around it names.
    """
    found = items(part)
    return found if found and (found.named or not around.kind) else None


def _one(place: str, part: Part, flaw: Flaw, *, api_version: str = "", kind: str = "") -> Entry:
    raw = bytes(part.raw)
    if not part.whole:
        return Unparsed(place, flaw.reason, f"{place}: {flaw.message}", raw)
    if wrong := problem(raw):
        return Unparsed(place, "not-json", f"{place}: {wrong}", raw)
    return Document(place, raw, api_version, kind)
