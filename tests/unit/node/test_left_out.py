"""Which tests on a node are left out is said, and only of those that are."""

import pytest

from tests.e2e.node.conftest import MARKERS, pytest_report_collectionfinish


def test_a_marker_is_named_where_its_variable_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in MARKERS.values():
        monkeypatch.setenv(variable, "1")
    assert pytest_report_collectionfinish() == []
    monkeypatch.setenv("ARCHIVER_TEST_LONG", "")
    (said,) = pytest_report_collectionfinish()
    assert said == "tests marked long run where ARCHIVER_TEST_LONG is set"
    monkeypatch.delenv("ARCHIVER_TEST_LONG")
    assert pytest_report_collectionfinish() == [said]
