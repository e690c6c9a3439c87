"""Pages that are stored and wait for their marks, packed."""

import zlib
from collections import deque
from typing import Final

import msgspec

from archiver.pending import Waiting

# Of zlib: uids and digests are noise, all else is the same from object to object.
_FASTEST: Final = 1

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Waiting).decode


class Backlog:
    """First in, first out. For one thread."""

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`, packed, is where it is full; nothing is refused then."""
        self._most_bytes = most_bytes
        self._nbytes = 0
        self._packed: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        """How many pages wait."""
        return len(self._packed)

    @property
    def full(self) -> bool:
        """Whether marks should be waited for before more is added."""
        return self._nbytes >= self._most_bytes

    def add(self, waiting: Waiting, since: float) -> None:
        """The last in the queue; `since` is given back with it."""
        packed = zlib.compress(_encode(waiting), _FASTEST)
        self._nbytes += len(packed)
        self._packed.append((since, packed))

    def take(self) -> tuple[Waiting, float]:
        """The first in the queue."""
        since, packed = self._packed.popleft()
        self._nbytes -= len(packed)
        return _decode(zlib.decompress(packed)), since
