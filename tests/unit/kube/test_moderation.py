"""Several answers at once: how long the thread that takes them may look away."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.kube import KubeMarker
from archiver.kube.moderation import Moderation
from archiver.ports import MarkOutcome
from tests.unit.kube.stub import Stub
from tests.unit.kube.test_ports import MARK, MARKED, TICKETS, resource


def after(*seconds: float) -> Moderation:
    one = Moderation()
    for each in seconds:
        one.took(each)
    return one


def test_the_pause_is_a_fifth_of_what_requests_take() -> None:
    assert after(*[0.05] * 200).pause(16) == pytest.approx(0.01, rel=0.01)


def test_a_server_that_answers_at_once_is_not_kept_waiting() -> None:
    assert after(*[0.001] * 200).pause(16) < 0.000_3


def test_without_other_requests_there_is_no_pause() -> None:
    assert after(*[0.05] * 200).pause(1) == 0


def test_nothing_is_known_before_the_first_answer() -> None:
    assert Moderation().pause(16) == 0


@given(st.lists(st.floats(0, 600)), st.integers(0, 1_000))
def test_no_pause_is_longer_than_20_milliseconds(seconds: list[float], under_way: int) -> None:
    assert 0 <= after(*seconds).pause(under_way) <= 0.02


def test_the_thread_pauses_while_many_marks_are_under_way(
    stub: Callable[..., Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pause(_self: Moderation, under_way: int) -> float:
        asked.append(under_way)
        return 0.001

    monkeypatch.setattr(Moderation, "pause", pause)
    marks = KubeMarker(stub(MARKED).client(), TICKETS, most_at_once=8)
    begun = [marks.mark(resource(), MARK) for _ in range(32)]
    assert {mark.result() for mark in begun} == {MarkOutcome.MARKED}
    assert max(asked) == 8
