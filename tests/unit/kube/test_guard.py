"""Whether the guard is in force for a resource, as the API server shows it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archiver.kube import guard
from archiver.kube.guard import NAME, Finding, Gate, gate
from tests.manifests import find
from tests.unit.kube.stub import Reply, Stub, status

Start = Callable[..., Stub]

OURS = {"group": "remediationprocessing.kubernaut.io", "plural": "remediationprocessings"}
RULE: dict[str, Any] = {
    "apiGroups": [OURS["group"]],
    "apiVersions": ["*"],
    "operations": ["DELETE"],
    "resources": [OURS["plural"]],
    "scope": "*",
}
ABSENT = status(404, "not found")
NO_RIGHT = status(403, "no right")


def policy(constraints: dict[str, Any] | None = None, **spec: Any) -> Reply:
    """The policy of deploy/guard with what is changed in it."""
    manifest = copy.deepcopy(find("ValidatingAdmissionPolicy", NAME))
    manifest["spec"] |= spec
    manifest["spec"]["matchConstraints"] |= constraints or {}
    return Reply(200, manifest)


def binding(**spec: Any) -> Reply:
    """The binding of deploy/guard with what is changed in it."""
    manifest = copy.deepcopy(find("ValidatingAdmissionPolicyBinding", NAME))
    manifest["spec"] |= spec
    return Reply(200, manifest)


def narrowed(**match: Any) -> Reply:
    """The binding with matchResources."""
    return binding(matchResources=match)


def not_in(*namespaces: str) -> dict[str, Any]:
    """A selector that leaves these namespaces out."""
    key = "kubernetes.io/metadata.name"
    return {"matchExpressions": [{"key": key, "operator": "NotIn", "values": [*namespaces]}]}


BESIDE = ("guard-crd.archiver.kubernaut.io", "limit.archiver.kubernaut.io")
LAST = "mark.archiver.kubernaut.io"


def beside(name: str) -> list[Reply]:
    """Policy and binding of this name, as deploy/guard has them."""
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    return [Reply(200, find(kind, name)) for kind in kinds]


def bound(name: str, **spec: Any) -> Reply:
    """The binding of this name with what is changed in it."""
    manifest = find("ValidatingAdmissionPolicyBinding", name)
    return Reply(200, manifest | {"spec": manifest["spec"] | spec})


WHOLE = [reply for name in (*BESIDE, LAST) for reply in beside(name)]
FIRST_TWO = WHOLE[:4]


def found(stub: Start, *replies: Reply) -> Finding:
    """The gate that these answers are, where the policies beside the guard are whole."""
    return gate(stub(*replies, *WHOLE).client(), **OURS)


def found_beside(stub: Start, *replies: Reply) -> Finding:
    """The gate where the guard is whole, and these are the last answers about what is beside."""
    return gate(stub(policy(), binding(), *FIRST_TWO, *replies).client(), **OURS)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([policy(), binding()], Gate.GUARD),
        ([policy(), binding(validationActions=["Deny", "Audit"])], Gate.GUARD),
        ([policy(), binding(validationActions=["Warn", "Audit"])], Gate.NONE),
        ([policy(), binding(policyName="another")], Gate.NONE),
        ([policy(), ABSENT], Gate.NONE),
        ([ABSENT, binding()], Gate.NONE),
        ([NO_RIGHT, NO_RIGHT], Gate.UNKNOWN),
        ([policy(), Reply(200, {"spec": 7})], Gate.UNKNOWN),
        ([Reply(200, b"no JSON"), NO_RIGHT], Gate.UNKNOWN),
    ],
)
def test_the_gate(stub: Start, replies: list[Reply], expected: Gate) -> None:
    assert found(stub, *replies).gate is expected


@pytest.mark.parametrize(
    ("replies", "gap"),
    [
        ([ABSENT], f"there is no policy {LAST}"),
        ([beside(LAST)[0], ABSENT], f"there is no binding {LAST}"),
        (
            [beside(LAST)[0], bound(LAST, validationActions=["Audit"])],
            f"the binding {LAST} does not deny",
        ),
        (
            [beside(LAST)[0], bound(LAST, policyName="x")],
            f"the binding {LAST} is of the policy 'x'",
        ),
        ([NO_RIGHT], f"policy {LAST}: no right (HTTP 403)"),
        ([beside(LAST)[0], NO_RIGHT], f"binding {LAST}: no right (HTTP 403)"),
        ([Reply(200, b"no JSON")], f"policy {LAST}: an answer that is none"),
    ],
)
def test_without_what_is_beside_it_the_guard_is_partial(
    stub: Start, replies: list[Reply], gap: str
) -> None:
    judged = found_beside(stub, *replies)
    assert judged.gate is Gate.PARTIAL
    assert judged.why.startswith(f"{NAME} is worth no more than what is beside it: {gap}")


def test_all_that_is_missing_beside_the_guard_is_named(stub: Start) -> None:
    narrow = binding(matchResources={"objectSelector": {"matchLabels": {"x": "y"}}})
    judged = gate(stub(policy(), narrow, ABSENT, NO_RIGHT, ABSENT).client(), **OURS)
    assert judged == (
        Gate.PARTIAL,
        f"{NAME} may leave some out by the binding's objectSelector; "
        f"{NAME} is worth no more than what is beside it: there is no policy {BESIDE[0]}, "
        f"policy {BESIDE[1]}: no right (HTTP 403), there is no policy {LAST}",
    )


def test_without_a_guard_nothing_is_asked_about_what_is_beside_it(stub: Start) -> None:
    server = stub(policy(), binding(validationActions=["Warn"]))
    assert gate(server.client(), **OURS).gate is Gate.NONE
    assert len(server.requests) == 2


@pytest.mark.usefixtures("virtual_time")
def test_a_server_that_fails_beside_the_guard_is_waited_for_once(stub: Start) -> None:
    failing = stub(policy(), binding(), status(500, "no route"))
    finding = gate(failing.client(), **OURS)
    assert finding.gate is Gate.PARTIAL
    assert "no route" in finding.why
    assert "nothing is known of limit.archiver.kubernaut.io, mark." in finding.why
    asked = {request.path.rsplit("/", 1)[1] for request in failing.requests}
    assert asked == {NAME, BESIDE[0]}


@pytest.mark.usefixtures("virtual_time")
def test_behind_a_failure_nothing_more_is_asked(stub: Start) -> None:
    failing = stub(status(500, "no route"))
    finding = gate(failing.client(), **OURS)
    assert finding.gate is Gate.UNKNOWN
    assert "no route" in finding.why
    assert {request.path.rsplit("/", 2)[1] for request in failing.requests} == {
        "validatingadmissionpolicies"
    }


def test_a_client_that_is_closed_meanwhile_leaves_it_unknown(stub: Start) -> None:
    client = stub(policy()).client()
    client.close()
    finding = gate(client, **OURS)
    assert finding == (Gate.UNKNOWN, "the client was closed")


@pytest.mark.parametrize(
    "changed",
    [
        {"apiGroups": ["kubernaut.ai"]},
        {"resources": ["signalprocessings"]},
        {"resources": ["remediationprocessings/status"]},
        {"operations": ["UPDATE"]},
        {"scope": "Cluster"},
    ],
)
def test_a_rule_about_something_else_guards_nothing(stub: Start, changed: dict[str, Any]) -> None:
    other = {"resourceRules": [RULE | changed]}
    of_the_policy = found(stub, policy(other), binding())
    of_the_binding = found(stub, policy(), narrowed(**other))
    assert of_the_policy == of_the_binding
    assert of_the_policy.gate is Gate.NONE
    assert "deletions of remediationprocessings.remediationprocessing" in of_the_policy.why


def test_what_is_excluded_is_not_guarded(stub: Start) -> None:
    excluded = {"excludeResourceRules": [RULE | {"resources": ["*"]}]}
    assert found(stub, policy(excluded), binding()).gate is Gate.NONE
    assert found(stub, policy(), narrowed(**excluded)).gate is Gate.NONE


@pytest.mark.parametrize(
    "changed",
    [
        {"apiGroups": ["*"], "resources": ["*"], "operations": ["*"], "scope": "Namespaced"},
        {"resources": ["signalprocessings", "remediationprocessings"]},
        {"resources": ["*/*"], "apiVersions": ["v1", "*"]},
    ],
)
def test_a_wider_rule_guards_too(stub: Start, changed: dict[str, Any]) -> None:
    wider = {"resourceRules": [RULE | {"resources": ["pods"]}, RULE | changed]}
    assert found(stub, policy(wider), narrowed(**wider)).gate is Gate.GUARD


@pytest.mark.parametrize(
    ("match", "gap"),
    [
        ({"namespaceSelector": {"matchLabels": {"x": "y"}}}, "namespaceSelector"),
        ({"namespaceSelector": not_in("kubernaut-archiver", "prod")}, "namespaceSelector"),
        ({"objectSelector": {"matchLabels": {"x": "y"}}}, "objectSelector"),
        ({"resourceRules": [RULE | {"apiVersions": ["v1"]}]}, "resourceRules"),
        ({"resourceRules": [RULE | {"resourceNames": ["a"]}]}, "resourceRules"),
        ({"excludeResourceRules": [RULE | {"resourceNames": ["a"]}]}, "excludeResourceRules"),
        ({"excludeResourceRules": [RULE | {"apiVersions": ["v1"]}]}, "excludeResourceRules"),
    ],
)
def test_what_is_narrowed_is_partial(stub: Start, match: dict[str, Any], gap: str) -> None:
    of_the_policy = found(stub, policy(match), binding())
    assert of_the_policy == (Gate.PARTIAL, f"{NAME} may leave some out by the policy's {gap}")
    of_the_binding = found(stub, policy(), narrowed(**match))
    assert of_the_binding == (Gate.PARTIAL, f"{NAME} may leave some out by the binding's {gap}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("matchConditions", [{"name": "a", "expression": "false"}]),
        ("failurePolicy", "Ignore"),
        ("paramKind", {"apiVersion": "v1", "kind": "ConfigMap"}),
    ],
)
def test_a_policy_that_asks_for_more_is_partial(stub: Start, field: str, value: Any) -> None:
    finding = found(stub, policy(**{field: value}), binding())
    assert finding == (Gate.PARTIAL, f"{NAME} may leave some out by the policy's {field}")


def test_what_the_api_server_fills_in_narrows_nothing(stub: Start) -> None:
    filled = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
    assert found(stub, policy({"objectSelector": {}}), narrowed(**filled)).gate is Gate.GUARD


def test_an_installation_elsewhere_may_leave_its_own_namespace_out(
    stub: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = policy({"namespaceSelector": not_in("elsewhere")})
    assert found(stub, elsewhere, binding()).gate is Gate.PARTIAL
    (tmp_path / "namespace").write_text("elsewhere\n")
    monkeypatch.setattr(guard, "_OF_THE_POD", tmp_path / "namespace")
    assert found(stub, elsewhere, binding()).gate is Gate.GUARD


@pytest.mark.parametrize(
    "spec",
    [
        {"validations": [{"expression": "true"}]},
        {"validations": []},
        {"variables": [{"name": "terminal", "expression": "false"}]},
    ],
)
def test_a_policy_that_evaluates_something_else_is_not_taken_for_the_guard(
    stub: Start, spec: dict[str, Any]
) -> None:
    judged = found(stub, policy(**spec), binding())
    assert judged.gate is Gate.PARTIAL
    assert "expressions" in judged.why
