"""Listing runs ahead of the work by one page."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from archiver.errors import Interrupted
from archiver.ports import Page, Stop


def ahead(
    pages: Iterator[Page], stop: Stop, glance: float, beside: Callable[[], "Future[Any] | None"]
) -> Iterator[Page | None]:
    """The pages, the next one always being listed while the last is worked on.

    None where what `beside` names has ended before the next page has come, and every `glance`
    seconds; it is asked each time, and must not name what has ended already. Raises Interrupted
    where the run was told to end, and what the listing raises.
    """
    lister = ThreadPoolExecutor(1, "list")
    try:
        upcoming = lister.submit(next, pages, None)
        while True:
            other = beside()
            awaited = {upcoming} if other is None else {upcoming, other}
            done = wait(awaited, glance, FIRST_COMPLETED).done
            if upcoming in done:
                page = upcoming.result()
                if page is None:
                    return
                _refuse_when_stopped(stop)
                upcoming = lister.submit(next, pages, None)
                yield page
            else:
                _refuse_when_stopped(stop)
                yield None
    finally:
        lister.shutdown(wait=False, cancel_futures=True)


def _refuse_when_stopped(stop: Stop) -> None:
    if stop.requested():
        raise Interrupted(
            "asked to stop, or out of time; what is confirmed is marked as far as the grace goes, "
            "the next run goes on"
        )
