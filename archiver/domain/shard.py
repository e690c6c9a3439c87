"""Which part of all objects one process looks after: a pure function of an object's uid.

The rule is part of the public interface and never changes, because processes of two releases may
share the work: the first eight bytes of SHA-256 of the uid in UTF-8, as a big-endian number,
modulo the number of shards. Python's own hash differs from process to process.
"""

import hashlib
import re
from dataclasses import dataclass

from archiver.errors import Configuration

# Every shard lists all objects: a thousand of them would ask the API server for each one a
# thousand times, and that is no longer a way to be faster.
MOST_SHARDS = 1_000
# [0-9] and not \d, which takes the digits of every script.
_NUMBERS = re.compile("([0-9]{1,4})/([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` of `count`; the first one is 0, as in JOB_COMPLETION_INDEX."""

    index: int
    count: int

    def holds(self, uid: str) -> bool:
        """Whether the object of this uid is this shard's; exactly one of `count` says yes."""
        return shard_of(uid, self.count) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def shard_of(uid: str, count: int) -> int:
    """The index (from 0) of the one shard of `count` that looks after this uid.

    What has no uid that can be read has an empty one here, and belongs to shard 0, whatever their
    number: it is quarantined once, and never passed over by all of them.
    """
    if not uid:
        return 0
    digest = hashlib.sha256(uid.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % count


def parse_shard(text: str, *, name: str) -> Shard:
    """The shard that `I/N` says; `name` is where it was said. Raises Configuration."""
    if numbers := _NUMBERS.fullmatch(text):
        shard = Shard(int(numbers[1]), int(numbers[2]))
        if shard.index < shard.count <= MOST_SHARDS:
            return shard
    raise Configuration(
        f"{name} {text!r}: I/N is expected, with N from 1 to {MOST_SHARDS} and I from 0 to N-1, "
        "such as 0/4 for the first of four shards"
    )
