"""Listing runs ahead of the work by one page."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from archiver.errors import Interrupted
from archiver.ports import Page, Stop


def ahead(pages: Iterator[Page], stop: Stop, glance: float) -> Iterator[Page]:
    """The pages, the next one always being listed while the last is worked on.

    Every `glance` seconds a wait looks up to see whether the run was told to end. Raises
    Interrupted then, and what the listing raises.
    """
    lister = ThreadPoolExecutor(1, "list")
    try:
        upcoming = lister.submit(next, pages, None)
        while True:
            while not wait((upcoming,), glance).done:
                _refuse_when_stopped(stop)
            page = upcoming.result()
            if page is None:
                return
            _refuse_when_stopped(stop)
            upcoming = lister.submit(next, pages, None)
            yield page
    finally:
        lister.shutdown(wait=False, cancel_futures=True)


def _refuse_when_stopped(stop: Stop) -> None:
    if stop.requested():
        raise Interrupted(
            "asked to stop, or out of time; what is confirmed is marked, the next run goes on"
        )
