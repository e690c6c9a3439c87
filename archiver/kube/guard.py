"""Whether the guard is in force: what keeps deletion from overtaking the archiver."""

from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from archiver.errors import ArchiverError
from archiver.kube.admission import (
    Binding,
    BindingSpec,
    Policy,
    PolicySpec,
    Requirement,
    Resource,
)
from archiver.kube.client import Client
from archiver.kube.failures import require_success

_T = TypeVar("_T", Policy, Binding)

NAME: Final = "guard.archiver.kubernaut.io"
_PATH: Final = "/apis/admissionregistration.k8s.io/v1"
_PLURALS: Final = {
    Policy: "validatingadmissionpolicies",
    Binding: "validatingadmissionpolicybindings",
}
# Of what deploy/guard/delete-policy.yaml evaluates; another expression may allow anything.
_DIGEST: Final = "3df0ff862f784bc6357bf34a4e9641453f0123e1f347c95c04e452fdb9c99da0"
# The guard leaves the archiver's own namespace out on purpose: where deploy/ installs it, and in a
# pod the one that it was really installed in.
_BY_NAME: Final = ("kubernetes.io/metadata.name", "NotIn")
_INSTALLED_IN: Final = "kubernaut-archiver"
_OF_THE_POD: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Gate(StrEnum):
    """What stands between a completed object and its deletion."""

    GUARD = "guard"
    PARTIAL = "partial"  # the guard, narrowed: it may let some of these objects go
    NONE = "none"  # an object that is deleted before a run is not seen
    UNKNOWN = "unknown"  # it could not be read


class Finding(NamedTuple):
    """A gate; for any but the guard `why`, for people."""

    gate: Gate
    why: str = ""


def gate(client: Client, *, group: str, plural: str) -> Finding:
    """The gate of this resource: the guard's policy, if it reaches it, and a binding that denies.

    Asked for information alone, so no failure ends a run: what cannot be read is unknown, and
    nothing is asked for behind it, for that would perhaps be waited for as long.
    """
    try:
        policy = _read(client, Policy, NAME)
        binding = _read(client, Binding, NAME) if policy else None
    except ArchiverError as error:
        return Finding(Gate.UNKNOWN, str(error))
    if not policy or not binding:
        return Finding(Gate.NONE, f"there is no {'binding' if policy else 'policy'} {NAME}")
    return _judged(policy.spec, binding.spec, Resource(group, plural))


def _read(client: Client, wanted: type[_T], name: str) -> _T | None:
    """None where there is none. Raises Forbidden, Configuration, Unavailable and Interrupted."""
    answer = client.get(f"{_PATH}/{_PLURALS[wanted]}/{name}")
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    doing = f"{wanted.__name__.lower()} {name}"
    return require_success(answer, doing).read(wanted, doing)


def _judged(policy: PolicySpec, binding: BindingSpec, resource: Resource) -> Finding:
    if binding.policy_name != NAME:
        return Finding(Gate.NONE, f"the binding {NAME} is of the policy {binding.policy_name!r}")
    if "Deny" not in binding.validation_actions:
        return Finding(Gate.NONE, f"the binding {NAME} does not deny")
    bound = binding.match_resources
    if not (policy.match_constraints.reaches(resource) and bound.reaches(resource)):
        return Finding(Gate.NONE, f"{NAME} does not reach deletions of {resource}")
    gaps = [f"the policy's {gap}" for gap in policy.gaps(resource, _is_meant)]
    gaps += [] if policy.digest == _DIGEST else ["the policy's expressions, not this release's"]
    gaps += [f"the binding's {gap}" for gap in bound.gaps(resource, _is_meant)]
    if gaps:
        return Finding(Gate.PARTIAL, f"{NAME} may leave some out by {', '.join(gaps)}")
    return Finding(Gate.GUARD)


def _is_meant(left_out: Requirement) -> bool:
    ours = {_INSTALLED_IN}
    if _OF_THE_POD.exists():
        ours.add(_OF_THE_POD.read_text(encoding="utf-8").strip())
    return (left_out.key, left_out.operator) == _BY_NAME and ours.issuperset(left_out.values)
