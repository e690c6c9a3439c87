"""Marks that a webhook keeps from being written: one object's trouble is not all others'."""

import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from archiver.errors import MarkRefused, Unavailable, Unwritable
from archiver.kube import KubeMarker
from archiver.ports import MarkOutcome
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import Reply, Request, Stub, status
from tests.unit.kube.test_ports import MARK, MARKED, TICKETS, resource

Start = Callable[..., Stub]


def hangs(webhook: str) -> Reply:
    return status(
        500,
        f'Internal error occurred: failed calling webhook "{webhook}": failed to call webhook: '
        'Post "https://127.0.0.1:1/": context deadline exceeded',
    )


def requests_of_one_mark(marks: KubeMarker, server: Stub) -> int:
    before = len(server.requests)
    with pytest.raises(MarkRefused, match="failed calling webhook"):
        marks.mark(resource(), MARK).result()
    return len(server.requests) - before


def test_what_hangs_for_one_object_is_not_waited_out_for_each_of_the_others(
    stub: Start, virtual_time: VirtualTime
) -> None:
    server = stub(hangs("a.example.com"))
    marks = KubeMarker(server.client(), TICKETS)
    assert requests_of_one_mark(marks, server) > 1
    assert [requests_of_one_mark(marks, server) for _ in range(3)] == [1, 1, 1]


def test_another_webhook_is_waited_for_all_the_same(stub: Start, virtual_time: VirtualTime) -> None:
    server = stub(hangs("a.example.com"))
    marks = KubeMarker(server.client(), TICKETS)
    requests_of_one_mark(marks, server)
    server.replies.extend([hangs("b.example.com"), MARKED])
    server.replies.popleft()
    assert marks.mark(resource(), MARK).result() is MarkOutcome.MARKED


class OneSick(Stub):
    """An API server that fails whatever says `sick`, and takes all else.

    From the second attempt on it does so once `go_on` is set.
    """

    def __init__(self, failure: Reply | None) -> None:
        super().__init__([MARKED])
        self.failure = failure
        self.failed: set[str] = set()
        self.go_on = threading.Event()

    def next_reply(self, request: Request) -> Reply | None:
        reply = super().next_reply(request)
        if "sick" not in request.path:
            return reply
        if request.path in self.failed:
            self.go_on.wait()
        self.failed.add(request.path)
        return self.failure


def test_what_cannot_be_written_ends_no_other_mark() -> None:
    failure = status(500, "Internal error occurred: error in remove for path '/metadata/nothere'")
    with closing(OneSick(failure)) as server:
        server.go_on.set()
        marks = KubeMarker(server.client(), TICKETS, most_at_once=2)
        sick = [marks.mark(resource(name=f"sick-{n}"), MARK) for n in range(8)]
        others = [marks.mark(resource(), MARK) for _ in range(20)]
        for mark in sick:
            with pytest.raises(Unwritable, match="/metadata/nothere"):
                mark.result()
        # Those that were sent between its attempts, and those that come after it was given up.
        others += [marks.mark(resource(), MARK) for _ in range(20)]
        assert {mark.result() for mark in others} == {MarkOutcome.MARKED}


@pytest.mark.parametrize(
    "failure",
    [status(503, "unable"), status(429, "busy"), Reply(502, b"<html>bad gateway</html>"), None],
)
def test_what_fails_without_an_answer_of_this_object_is_an_outage(failure: Reply | None) -> None:
    with closing(OneSick(failure)) as server:
        marks = KubeMarker(server.client(), TICKETS, most_at_once=4)
        sick = marks.mark(resource(name="sick"), MARK)
        others = [marks.mark(resource(), MARK) for _ in range(50)]
        # Between its attempts; once it is given up, so is what has not been answered.
        assert {mark.result() for mark in others} == {MarkOutcome.MARKED}
        server.go_on.set()
        with pytest.raises(Unavailable) as raised:
            sick.result()
        assert raised.type is Unavailable


def test_what_fails_with_nothing_going_well_is_an_outage(
    stub: Start, virtual_time: VirtualTime
) -> None:
    server = stub(MARKED, status(503, "unable"))
    marks = KubeMarker(server.client(), TICKETS, most_at_once=1)
    first, *others = [marks.mark(resource(), MARK) for _ in range(3)]
    assert first.result() is MarkOutcome.MARKED
    for mark in others:
        with pytest.raises(Unavailable):
            mark.result()


def test_an_object_that_a_webhook_denies_is_asked_for_once_and_ends_nothing(stub: Start) -> None:
    denied = status(503, 'admission webhook "a.example.com" denied the request: no')
    server = stub(denied, MARKED)
    marks = KubeMarker(server.client(), TICKETS, most_at_once=1)
    refused, *others = [marks.mark(resource(), MARK) for _ in range(5)]
    with pytest.raises(MarkRefused, match="denied the request: no"):
        refused.result()
    assert {mark.result() for mark in others} == {MarkOutcome.MARKED}
    assert len(server.requests) == 5
