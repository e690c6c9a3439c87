"""Whether the guard is in force: what keeps deletion from overtaking the archiver."""

from enum import StrEnum
from typing import Final

import msgspec

from archiver.errors import ArchiverError
from archiver.kube.client import Client

NAME: Final = "guard.archiver.kubernaut.io"
_PATH: Final = "/apis/admissionregistration.k8s.io/v1"


class Gate(StrEnum):
    """What stands between a completed object and its deletion."""

    GUARD = "guard"
    NONE = "none"  # an object that is deleted before a run is not seen
    UNKNOWN = "unknown"  # it may not be read


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    policy_name: str = ""
    validation_actions: tuple[str, ...] = ()


class _Binding(msgspec.Struct, frozen=True):
    spec: _Spec = _Spec()


def gate(client: Client) -> Gate:
    """The gate of this cluster: the guard's policy, and a binding of it that denies.

    Asked for information alone, so no failure ends a run: what cannot be read is unknown.
    """
    try:
        policy = client.get(f"{_PATH}/validatingadmissionpolicies/{NAME}")
        binding = client.get(f"{_PATH}/validatingadmissionpolicybindings/{NAME}")
    except ArchiverError:
        return Gate.UNKNOWN
    if 404 in (policy.status, binding.status):
        return Gate.NONE
    if not (policy.ok and binding.ok):
        return Gate.UNKNOWN
    try:
        spec = msgspec.json.decode(binding.body, type=_Binding).spec
    except msgspec.DecodeError:
        return Gate.UNKNOWN
    in_force = spec.policy_name == NAME and "Deny" in spec.validation_actions
    return Gate.GUARD if in_force else Gate.NONE
