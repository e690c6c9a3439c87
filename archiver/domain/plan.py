"""What is to be done with one object: a pure function of the object, the policy and the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from archiver.domain.custom_resource import CustomResource
from archiver.domain.mark import Mark
from archiver.domain.record import AuditRecord


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the owners and namespaces of a page's objects.

    `owners`: uid of an owner → its status.retentionExpiryTime in nanoseconds since the epoch, or
    None where it has none. `owner_kinds`: (apiVersion, kind) → the server time (ns) at which all
    owners of that kind were listed; a kind that may not be read is missing here, and then none of
    its owners is ever said to be gone.
    """

    owners: Mapping[str, int | None] = field(default_factory=dict)
    owner_kinds: Mapping[tuple[str, str], int] = field(default_factory=dict)
    terminating_namespaces: frozenset[str] = frozenset()
