"""Whether the guard is in force: what keeps deletion from overtaking the archiver."""

from collections.abc import Iterator
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from archiver.errors import ArchiverError, Forbidden
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
# The CRD is not deleted either; the archiver marks and does nothing else; nobody else marks.
_BESIDE: Final = (
    "guard-crd.archiver.kubernaut.io",
    "limit.archiver.kubernaut.io",
    "mark.archiver.kubernaut.io",
)
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
    PARTIAL = "partial"  # the guard, narrowed or without those beside it: it may let some go
    NONE = "none"  # an object that is deleted before a run is not seen
    UNKNOWN = "unknown"  # it could not be read


class Finding(NamedTuple):
    """A gate; for any but the guard `why`, for people."""

    gate: Gate
    why: str = ""


def gate(client: Client, *, group: str, plural: str) -> Finding:
    """The gate of this resource: the guard's policy, if it reaches it, and a binding that denies.

    It is partial where one of the policies that deploy/guard has beside it is missing, does not
    deny or cannot be read; whether somebody has changed them is not looked at. Asked for
    information alone, so no failure ends a run: what cannot be read is unknown. Behind a failure
    nothing more is asked, for that would perhaps be waited for as long.
    """
    try:
        finding = _guard(client, Resource(group, plural))
    except ArchiverError as error:
        return Finding(Gate.UNKNOWN, str(error))
    if finding.gate is Gate.NONE or not (gaps := ", ".join(_gaps_beside(client))):
        return finding
    why = f"{NAME} is worth no more than what is beside it: {gaps}"
    return Finding(Gate.PARTIAL, f"{finding.why}; {why}" if finding.why else why)


def _guard(client: Client, resource: Resource) -> Finding:
    found = _installed(client, NAME)
    if isinstance(found, str):
        return Finding(Gate.NONE, found)
    return _judged(*found, resource)


def _gaps_beside(client: Client) -> Iterator[str]:
    for asked, name in enumerate(_BESIDE, 1):
        try:
            found = _installed(client, name)
        except Forbidden as error:
            yield str(error)
        except ArchiverError as error:
            yield str(error)
            if not_asked := ", ".join(_BESIDE[asked:]):
                yield f"so nothing is known of {not_asked}"
            return
        else:
            if isinstance(found, str):
                yield found


def _installed(client: Client, name: str) -> tuple[PolicySpec, BindingSpec] | str:
    """A policy, and the binding by which it denies; or what is missing of that, for people."""
    if (policy := _read(client, Policy, name)) is None:
        return f"there is no policy {name}"
    if (binding := _read(client, Binding, name)) is None:
        return f"there is no binding {name}"
    if (of := binding.spec.policy_name) != name:
        return f"the binding {name} is of the policy {of!r}"
    if "Deny" not in binding.spec.validation_actions:
        return f"the binding {name} does not deny"
    return policy.spec, binding.spec


def _read(client: Client, wanted: type[_T], name: str) -> _T | None:
    """None where there is none. Raises Forbidden, Configuration, Unavailable and Interrupted."""
    answer = client.get(f"{_PATH}/{_PLURALS[wanted]}/{name}")
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    doing = f"{wanted.__name__.lower()} {name}"
    return require_success(answer, doing).read(wanted, doing)


def _judged(policy: PolicySpec, binding: BindingSpec, resource: Resource) -> Finding:
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
