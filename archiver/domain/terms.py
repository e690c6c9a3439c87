"""What decisions rest on besides the object: the policy and the time, its owners and namespace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from archiver.domain import gotime
from archiver.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the owners and namespaces of a page's objects.

    `owners`: uid of an owner that is not being deleted → its status.retentionExpiryTime in
    nanoseconds since the epoch, or None where it has none. `owner_kinds`: (apiVersion, kind) → the
    server time (ns) at which all owners of that kind were listed; a kind that may not be read is
    missing here, and then none of its owners is ever said to be gone.
    """

    owners: Mapping[str, int | None] = field(default_factory=dict)
    owner_kinds: Mapping[tuple[str, str], int] = field(default_factory=dict)
    terminating_namespaces: frozenset[str] = frozenset()


NOTHING_KNOWN = Surroundings()


@dataclass(frozen=True)
class Terms:
    """What every plan of one run rests on. `now` (ns since the epoch) is the source's clock."""

    policy: Policy
    now: int
    run_id: str
    store_id: str

    @cached_property
    def at(self) -> datetime:
        """`now` as an aware datetime."""
        return gotime.to_datetime(self.now)
