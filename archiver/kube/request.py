"""One request as data, and the bytes of its answer as they come in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from archiver.kube.answer import Answer
from archiver.kube.failures import is_permanent

Query = Sequence[tuple[str, str]]

# Plain numbers: Python 3.11 takes longer to look up a member of an enumeration than to compare it.
_PERHAPS_LATER: Final = frozenset(
    int(status)
    for status in (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
)


class TooLarge(Exception):
    """An answer of more bytes than were asked for; reading it was given up."""


class Request(msgspec.Struct, frozen=True):
    """What is sent, as often as it takes. `headers` are whole lines, without those of the login."""

    method: str
    target: str
    headers: tuple[str, ...]
    body: bytes | None = None
    max_bytes: int | None = None

    @property
    def name(self) -> str:
        """For people: without the query, which may hold a continue token."""
        return f"{self.method} {self.target.partition('?')[0]}"

    def is_worth_repeating(self, answer: Answer) -> bool:
        """Whether another attempt may be answered otherwise."""
        return answer.status in _PERHAPS_LATER and not is_permanent(answer)


@dataclass(slots=True)
class Incoming:
    """What has come in of one answer. Written by the transport, chunk by chunk."""

    max_bytes: int | None
    chunks: list[bytes] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)
    nbytes: int = 0

    def take(self, chunk: bytes) -> int:
        """How many bytes of the chunk were taken; none is how a transfer is given up."""
        self.nbytes += len(chunk)
        if self.is_too_large:
            return 0
        self.chunks.append(chunk)
        return len(chunk)

    def hear(self, line: bytes) -> None:
        """One line of a head. A proxy's own answer and a 1xx come before the one that counts."""
        if line.startswith(b"HTTP/"):
            self.headers.clear()
        self.headers.append(line)

    @property
    def is_too_large(self) -> bool:
        """Whether more has come than was asked for."""
        return self.max_bytes is not None and self.nbytes > self.max_bytes

    def answer(self, status: int) -> Answer:
        """All of it."""
        body = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        return Answer(status, body, self.headers)


def target_of(path: str, query: Query) -> str:
    """A path with its query, as the request line has it."""
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path
