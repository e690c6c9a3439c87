"""Several answers at once: how long the thread that takes them may look away."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.kube import KubeMarker
from archiver.kube.moderation import Moderation
from archiver.ports import MarkOutcome
from tests.unit.kube.stub import Reply, Stub
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


def test_a_large_answer_is_taken_in_larger_pieces_than_it_comes_in() -> None:
    assert Moderation().pause(1, coming_in=True) == 0.002
    assert after(*[0.05] * 200).pause(16, coming_in=True) == pytest.approx(0.01, rel=0.01)


@given(st.lists(st.floats(0, 600)), st.integers(0, 1_000))
def test_no_pause_is_longer_than_20_milliseconds(seconds: list[float], under_way: int) -> None:
    assert 0 <= after(*seconds).pause(under_way) <= 0.02


def test_the_thread_pauses_while_many_marks_are_under_way(
    stub: Callable[..., Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pause(_self: Moderation, under_way: int, *, coming_in: bool) -> float:
        asked.append(under_way)
        return 0.001

    monkeypatch.setattr(Moderation, "pause", pause)
    marks = KubeMarker(stub(MARKED).client(), TICKETS, most_at_once=8)
    begun = [marks.mark(resource(), MARK) for _ in range(32)]
    assert {mark.result() for mark in begun} == {MarkOutcome.MARKED}
    assert max(asked) == 8


def test_what_comes_in_parts_is_seen_to_be_coming_in(
    stub: Callable[..., Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def pause(_self: Moderation, _under_way: int, *, coming_in: bool) -> float:
        seen.append(coming_in)
        return 0.0

    monkeypatch.setattr(Moderation, "pause", pause)
    # More than one read takes.
    answer = stub(Reply(200, b"x" * 32_000_000)).client().get("/")
    assert len(answer.body) == 32_000_000
    assert True in seen
    assert seen[0] is False
