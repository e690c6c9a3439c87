"""The mark: what is written, on what conditions, and when it is there already."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from archiver.domain.mark import FINALIZER, PREFIX, Mark, carries_mark_of, merge_patch
from archiver.domain.metadata import Metadata

_MARK = Mark("d" * 64, "u", "completed", "store-1", "run-1", datetime(2026, 3, 1, 12, tzinfo=UTC))
_BARE = Metadata(name="n", namespace="ns", uid="u", resource_version="7")


def _carrying(mark: Mark = _MARK) -> Metadata:
    patched = merge_patch(_BARE, mark)["metadata"]
    return Metadata(
        name="n",
        namespace="ns",
        uid="u",
        resource_version="8",
        labels=patched["labels"],
        annotations=patched["annotations"],
    )


def test_the_patch() -> None:
    assert merge_patch(_BARE, _MARK) == {
        "metadata": {
            "uid": "u",
            "resourceVersion": "7",
            "labels": {f"{PREFIX}state": "archived"},
            "annotations": {
                f"{PREFIX}digest": "d" * 64,
                f"{PREFIX}uid": "u",
                f"{PREFIX}phase": "completed",
                f"{PREFIX}store": "store-1",
                f"{PREFIX}run": "run-1",
                f"{PREFIX}archived-at": "2026-03-01T12:00:00Z",
            },
        }
    }


def test_the_patch_takes_our_finalizer_away_and_no_other() -> None:
    held = Metadata(uid="u", resource_version="7", finalizers=["a/b", FINALIZER, "c/d"])
    assert merge_patch(held, _MARK)["metadata"]["finalizers"] == ["a/b", "c/d"]
    other = Metadata(uid="u", resource_version="7", finalizers=["a/b"])
    assert "finalizers" not in merge_patch(other, _MARK)["metadata"]


@pytest.mark.parametrize("field", ["uid", "resource_version"])
def test_the_patch_needs_both_preconditions(field: str) -> None:
    given: dict[str, Any] = {"uid": "u", "resource_version": "7", field: ""}
    with pytest.raises(ValueError, match="could land on another object"):
        merge_patch(Metadata(**given), _MARK)


def test_a_mark_that_is_there_says_the_same() -> None:
    assert _MARK.says_the_same_as(_carrying())
    later = replace(_MARK, run_id="run-2", archived_at=datetime(2026, 3, 2, tzinfo=UTC))
    assert later.says_the_same_as(_carrying())
    assert not _MARK.says_the_same_as(_BARE)


@pytest.mark.parametrize(
    "change",
    [{"digest": "e" * 64}, {"uid": "v"}, {"phase": "failed"}, {"store_id": "store-2"}],
)
def test_another_mark_does_not(change: dict[str, Any]) -> None:
    assert not replace(_MARK, **change).says_the_same_as(_carrying())


def test_nor_one_without_its_label_or_still_held() -> None:
    marked = _carrying()
    unlabelled = Metadata(uid="u", annotations=marked.annotations)
    assert not _MARK.says_the_same_as(unlabelled)
    held = Metadata(
        uid="u", labels=marked.labels, annotations=marked.annotations, finalizers=[FINALIZER]
    )
    assert not _MARK.says_the_same_as(held)


def test_carries_mark_of() -> None:
    assert carries_mark_of(_carrying(), "store-1")
    assert not carries_mark_of(_carrying(), "store-2")
    assert not carries_mark_of(_carrying(replace(_MARK, uid="before")), "store-1")
    assert not carries_mark_of(_BARE, "store-1")
