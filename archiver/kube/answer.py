"""One answer of the API server, and what its Status body says."""

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import msgspec

from archiver.domain import gotime
from archiver.errors import Unavailable

# Server texts can quote a whole object.
_MOST_CHARACTERS = 600
# What msgspec raises for bytes of any kind.
UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_T = TypeVar("_T")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Cause(msgspec.Struct, frozen=True):
    """metav1.StatusCause: one field that was refused."""

    field: str = ""
    reason: str = ""


class Details(msgspec.Struct, frozen=True):
    """metav1.StatusDetails."""

    name: str = ""
    causes: list[Cause] | None = None


class StatusMeta(msgspec.Struct, frozen=True, rename={"continue_": "continue"}):
    """metav1.ListMeta of a Status: an expired list says here how to go on."""

    continue_: str = ""


class Status(msgspec.Struct, frozen=True):
    """metav1.Status; `kind` is empty where the body was none."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    details: Details | None = None
    metadata: StatusMeta = StatusMeta()

    @property
    def is_one(self) -> bool:
        """Whether the API server itself spoke, and not a proxy or its last resort in plain text."""
        return self.kind == "Status"

    @property
    def name(self) -> str:
        """The object that it is about; empty where it is about a whole resource."""
        return self.details.name if self.details else ""

    def blames(self, field: str) -> bool:
        """Whether the value of this field is among what was refused."""
        causes = self.details.causes if self.details else None
        return any(cause.field == field for cause in causes or ())


_STATUS = msgspec.json.Decoder(Status)


class Answer(msgspec.Struct, frozen=True):
    """Status code, body, and the lines of the head as received."""

    status: int
    body: bytes
    headers: Sequence[bytes] = ()

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The value of a header; None without it. Nearly all answers are never asked for one."""
        prefix = f"{name}:".lower().encode()
        found = (line for line in self.headers if line[: len(prefix)].lower() == prefix)
        line = next(found, None)
        return None if line is None else line[len(prefix) :].decode("latin-1").strip()

    @property
    def date(self) -> int | None:
        """The server's clock: whole seconds, in nanoseconds since the epoch; None if not told."""
        try:
            return gotime.from_datetime(parsedate_to_datetime(self.header("Date") or ""))
        except (KeyError, ValueError, TypeError, OverflowError):
            return None

    def read(self, wanted: type[_T], doing: str) -> _T:
        """The body as a `wanted`. Raises Unavailable: a proxy on the way may have answered."""
        try:
            return msgspec.json.decode(self.body, type=wanted)
        except UNDECODABLE as error:
            raise Unavailable(f"{doing}: an answer that is none: {error}") from None

    def read_status(self) -> Status:
        """The Status that a failure comes with; `message` is fit to be shown, whatever came."""
        try:
            status = _STATUS.decode(self.body)
        except UNDECODABLE:
            status = Status()
        text = status.message if status.is_one else self.body[:4096].decode(errors="replace")
        return msgspec.structs.replace(status, message=_shown(text) or "no explanation")

    def __str__(self) -> str:
        return f"{self.read_status().message} (HTTP {self.status})"


def _shown(text: str) -> str:
    text = _CONTROL.sub(" ", text).strip()
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
