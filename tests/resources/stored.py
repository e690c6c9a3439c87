"""What the API server makes of an object that is created, and back again."""

from __future__ import annotations

import copy
import uuid
from typing import Any, Final

from tests.crds import Object
from tests.resources.parents import Parent

_NAMESPACE: Final = uuid.UUID("6d3f7ef0-5f0c-5f0e-9c53-0a4f7b0c9a61")
_SET_BY_SERVER: Final = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "deletionTimestamp",
)


def uid_of(created: Object) -> str:
    """The uid that `as_stored` gives: a UUID of kind, namespace and name."""
    named = created["metadata"]
    return str(uuid.uuid5(_NAMESPACE, f"{created['kind']}/{named['namespace']}/{named['name']}"))


def as_stored(
    created: Object,
    uid: str | None = None,
    resource_version: int = 1,
    creation_timestamp: str = "2026-01-01T00:00:00Z",
) -> Object:
    """The object as the API server returns it: keys sorted, and what the server sets.

    `creation_timestamp` is RFC 3339 text in whole seconds. managedFields are left out, as kubectl
    leaves them out.
    """
    stored = copy.deepcopy(created)
    stored["metadata"] |= {
        "uid": uid or uid_of(created),
        "resourceVersion": str(resource_version),
        "creationTimestamp": creation_timestamp,
        "generation": 1,
    }
    result: Object = _sorted(stored)
    return result


def as_created(stored: Object, parent: Object | None = None) -> Object:
    """A stored object made ready to be created in another cluster.

    `parent`, stored in that cluster, becomes the controller. Without one the object is orphaned:
    a garbage collector deletes what names an owner that it can't find.
    """
    created = copy.deepcopy(stored)
    metadata = created["metadata"]
    for key in _SET_BY_SERVER:
        metadata.pop(key, None)
    owners = metadata.pop("ownerReferences", None)
    owner = Parent.of(parent)
    if owner and owners:
        metadata["ownerReferences"] = [owners[0] | {"name": owner.name, "uid": owner.uid}]
    return created


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
