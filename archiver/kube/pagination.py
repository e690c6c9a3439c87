"""A list page by page: complete, bounded by bytes, and going on where a token has expired."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar

import structlog

from archiver.errors import Unavailable
from archiver.kube.answer import Answer
from archiver.kube.client import JSON, Client
from archiver.kube.failures import failure_of_list
from archiver.kube.list_body import ListBody, Malformed, split
from archiver.kube.request import Query, TooLarge

_T = TypeVar("_T")
_log = structlog.get_logger()

# A token lives about five minutes (etcd's compaction interval), so a list that is begun anew more
# often than this makes no headway.
_MOST_FRESH_STARTS = 5
_MOST_MALFORMED = 3


class PageSize:
    """How many objects to ask for, so that an answer's bytes stay below a bound.

    The size of a page is only known once it is there, and no cheaper question tells it. So the
    first one is small (fifty objects of 9 KB are half a megabyte), each further one at most twice
    the last, and sized after the last to fill half the bound. A page beyond the bound is not read
    to its end, but asked for again with a quarter of the objects: that keeps the bound whatever
    the objects' sizes are, for the price of some bytes that are thrown away.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self.limit = min(most, 50)

    @property
    def max_bytes(self) -> int | None:
        """Where to stop reading; None for a single object, which has to be read whole."""
        return self._most_bytes if self.limit > 1 else None

    def was(self, items: int, nbytes: int) -> None:
        """A page came, of this size."""
        fitting = self._most_bytes // 2 * max(items, 1) // max(nbytes, 1)
        self.limit = max(1, min(fitting, 2 * self.limit, self._most))

    def was_too_large(self) -> None:
        """A page was given up."""
        self.limit = max(1, self.limit // 4)


class Pagination:
    """One list of one path. To be gone through once, by one thread."""

    def __init__(
        self,
        client: Client,
        path: str,
        query: Query,
        *,
        size: PageSize,
        accept: str = JSON,
        unconverted: str = "",
    ) -> None:
        """`query` holds selectors. resourceVersion stays unset: the list is consistent.

        `unconverted`: what `--resource` reads the same objects in another version, if any does.
        """
        self._client = client
        self._path = path
        self._query = query
        self._size = size
        self._accept = accept
        self._unconverted = unconverted
        self._continue = ""
        self._exchanged = False
        self._complete = False
        self.fresh_starts = 0
        # The server's clock (ns since the epoch) at the first page of the last beginning.
        self.began_at: int | None = None

    def pages(self, convert: Callable[[ListBody, int], _T]) -> Iterator[_T]:
        """Each page as `convert` makes it of the list and its size in bytes.

        Nothing of a page is kept here while the next one is waited for, provided that what
        `convert` returns holds no views. After an expired token that could not be exchanged the
        list begins anew, `fresh_starts` is one higher, and objects come again.

        Raises Configuration (not served, not understood), Forbidden and Unavailable.
        """
        while not self._complete:
            # No local name: a suspended generator would keep what it refers to.
            yield self._converted(convert)

    def _converted(self, convert: Callable[[ListBody, int], _T]) -> _T:
        listed, nbytes = self._next()
        self._size.was(len(listed.items or ()), nbytes)
        expired, self._continue = self._continue, listed.metadata.continue_
        if self._continue and self._continue == expired:
            raise Unavailable(f"list of {self._path}: the API server gives the same page again")
        self._exchanged = False
        self._complete = not self._continue
        return convert(listed, nbytes)

    def _next(self) -> tuple[ListBody, int]:
        malformed = 0
        while True:
            try:
                answer = self._answer()
                if answer.status == HTTPStatus.GONE:
                    self._go_on_after_expiry(answer)
                    continue
                if not answer.ok:
                    raise failure_of_list(answer, f"list of {self._path}", self._unconverted)
                listed = split(answer.body)
                self.began_at = self.began_at if self._continue else answer.date
                return listed, len(answer.body)
            except TooLarge:
                _log.info("list.page_too_large", path=self._path, limit=self._size.limit)
                self._size.was_too_large()
            except Malformed as error:
                malformed += 1
                _log.warning("list.malformed", path=self._path, error=str(error))
                if malformed == _MOST_MALFORMED:
                    raise Unavailable(f"list of {self._path}: malformed: {error}") from None

    def _answer(self) -> Answer:
        query = [*self._query, ("limit", str(self._size.limit))]
        if self._continue:
            query.append(("continue", self._continue))
        return self._client.get(
            self._path, query, accept=self._accept, max_bytes=self._size.max_bytes
        )

    def _go_on_after_expiry(self, answer: Answer) -> None:
        """With the token that the error carries (the rest is then newer than the beginning).

        Without one, or where that token has expired too, from the beginning.
        """
        token = answer.read_status().metadata.continue_
        self._exchanged = exchanged = bool(token) and not self._exchanged
        _log.info("list.expired", path=self._path, exchanged=exchanged)
        self._continue = token if exchanged else ""
        if not exchanged:
            self.fresh_starts += 1
        if self.fresh_starts > _MOST_FRESH_STARTS:
            raise Unavailable(f"list of {self._path}: expired {self.fresh_starts} times: {answer}")
