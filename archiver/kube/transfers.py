"""Attempts at requests, many at a time on one thread: libcurl's multi interface."""

import os
import select
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import pycurl

from archiver.errors import Configuration
from archiver.kube.answer import Answer
from archiver.kube.login import Login
from archiver.kube.request import Incoming, Request, TooLarge

_T = TypeVar("_T")

# Trying again changes nothing about these.
_UNTRUSTED: Final = {
    pycurl.E_PEER_FAILED_VERIFICATION: "its certificate is not trusted",
    pycurl.E_SSL_CACERT_BADFILE: "the certificate authority cannot be read",
    pycurl.E_SSL_CERTPROBLEM: "the client certificate cannot be used",
    pycurl.E_URL_MALFORMAT: "no URL of an API server",
}


class Lost(Exception):
    """No answer came, or not all of it: another attempt may be luckier."""


@dataclass(frozen=True, slots=True)
class _Attempt(Generic[_T]):
    of: _T
    login: Login
    incoming: Incoming


class Transfers(Generic[_T]):
    """What is under way. For one thread, except for `wake`.

    curl keeps the connections; its handles, which cost more to make than a request does, are kept
    here by login.
    """

    def __init__(self, connections: int) -> None:
        """`connections` is how many are kept open while nothing uses them."""
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._under_way: dict[pycurl.Curl, _Attempt[_T]] = {}
        self._idle: defaultdict[Login, list[pycurl.Curl]] = defaultdict(list)
        self._sleeper, self._alarm = os.pipe()

    def __len__(self) -> int:
        """How many have been sent and not ended."""
        return len(self._under_way)

    def any_coming_in(self) -> bool:
        """Whether a part of some answer's body has come."""
        return any(attempt.incoming.chunks for attempt in self._under_way.values())

    def give_up(self) -> list[_T]:
        """End what is under way, with its connections."""
        given_up = [attempt.of for attempt in self._under_way.values()]
        for curl in self._under_way:
            self._multi.remove_handle(curl)
        self._under_way.clear()
        return given_up

    def start(self, request: Request, login: Login, of: _T) -> None:
        """Send a request once; what comes of it is given back together with `of`."""
        idle = self._idle[login]
        curl = idle.pop() if idle else self._handle(login)
        incoming = Incoming(request.max_bytes)
        curl.setopt(pycurl.URL, login.url(request.target))
        if request.body is None:
            curl.setopt(pycurl.HTTPGET, True)
        else:
            curl.setopt(pycurl.POSTFIELDS, request.body)
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)
        curl.setopt(pycurl.HTTPHEADER, [*request.headers, *login.headers()])
        curl.setopt(pycurl.WRITEFUNCTION, incoming.take)
        curl.setopt(pycurl.HEADERFUNCTION, incoming.hear)
        self._under_way[curl] = _Attempt(of, login, incoming)
        self._multi.add_handle(curl)

    def finished(self) -> Iterator[tuple[_T, Answer | Exception]]:
        """Send and receive what can be without waiting, and give what has ended.

        An exception is a Lost, TooLarge or Configuration.
        """
        self._multi.perform()
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for curl in done:
                attempt = self._take(curl)
                yield attempt.of, attempt.incoming.answer(curl.getinfo(pycurl.RESPONSE_CODE))
            for curl, code, text in failed:
                attempt = self._take(curl)
                yield attempt.of, _failure(attempt, code, text)

    def wait(self, seconds: float) -> None:
        """Until something can be sent or received, `wake` is called, or time is up."""
        readable, writable, failing = self._multi.fdset()
        of_curl = self._multi.timeout()  # milliseconds; -1 for none
        seconds = min(seconds, of_curl / 1000) if of_curl >= 0 else seconds
        ready, _, _ = select.select([self._sleeper, *readable], writable, failing, seconds)
        if self._sleeper in ready:
            os.read(self._sleeper, 4096)

    def wake(self) -> None:
        """End the wait of the thread that these belong to; may be called from any."""
        os.write(self._alarm, b"!")

    def close(self) -> None:
        """Close everything; once more does no harm."""
        if self._multi.closed:
            return
        self.give_up()
        self._idle.clear()
        self._multi.close()
        os.close(self._sleeper)
        os.close(self._alarm)

    def _handle(self, login: Login) -> pycurl.Curl:
        curl = pycurl.Curl()
        login.prepare(curl)
        return curl

    def _take(self, curl: pycurl.Curl) -> _Attempt[_T]:
        self._multi.remove_handle(curl)
        attempt = self._under_way.pop(curl)
        self._idle[attempt.login].append(curl)
        return attempt


def _failure(attempt: _Attempt[_T], code: int, text: str) -> Exception:
    if attempt.incoming.is_too_large:
        return TooLarge()
    if why := _UNTRUSTED.get(code):
        return Configuration(f"{attempt.login.server}: {why}: {text}")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        text = f"timed out: {text}"
    return Lost(text)
