"""The time that built things carry."""

import pytest

from image.errors import ImageError
from image.provenance import source_date_epoch


def test_the_time_is_the_one_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert source_date_epoch() == 1_700_000_000


@pytest.mark.parametrize("given", ["yesterday", "-1", "1.5", "2026-03-01", "99999999999"])
def test_a_time_that_is_none_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    with pytest.raises(ImageError, match="seconds since 1970"):
        source_date_epoch()


def test_without_git_there_is_a_time_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert source_date_epoch() == 1_704_067_200
