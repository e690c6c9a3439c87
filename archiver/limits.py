"""How often a run tries, and how long it believes."""

import math
from dataclasses import dataclass
from typing import Final

# What a dry run stores is rolled back: it is there for its own page and no other.
FOR_EVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run. `tries` counts the first one; `backoff` is seconds, doubled every try.

    `believed`: seconds for which a row counts as being there, from before it was stored until its
    mark is handed to the marker. For a later one it is read back again: the database may have
    failed over to a standby that lacks it. How long the marker takes for its two pages is not in
    it.
    `ahead`: bytes that objects may take, packed, while they wait for their marks; where they do, no
    more is listed until some are marked. A list that goes on for minutes costs the API server more:
    once the moment at which it began has left the watch cache, each further page is read from etcd.
    `glance`: how often, in seconds, a wait looks up to see whether the run was told to end.
    """

    tries: int = 5
    backoff: float = 0.1
    believed: float = 10.0
    # Some 75,000 objects.
    ahead: int = 8 << 20
    glance: float = 0.25
