"""The guard's policies, as far as they can be judged without an API server."""

import re

import pytest
import yaml

from archiver.domain import mark, shapes
from tests.manifests import GUARD, NAMESPACE, USERNAME, Object, find, load

POLICIES = [o for o in load(GUARD) if o["kind"] == "ValidatingAdmissionPolicy"]
BINDINGS = [o for o in load(GUARD) if o["kind"] == "ValidatingAdmissionPolicyBinding"]


@pytest.fixture(params=POLICIES, ids=lambda policy: policy["metadata"]["name"])
def policy(request: pytest.FixtureRequest) -> Object:
    return dict(request.param)


def variable(policy: str, name: str) -> str:
    """A variable's expression."""
    spec = find("ValidatingAdmissionPolicy", f"{policy}.archiver.kubernaut.io")["spec"]
    (found,) = (v["expression"] for v in spec["variables"] if v["name"] == name)
    return str(found)


def texts(expression: str) -> set[str]:
    """The text literals of an expression."""
    return set(re.findall(r"'([^']*)'", expression))


def test_fails_closed_and_says_forbidden(policy: Object) -> None:
    assert policy["spec"]["failurePolicy"] == "Fail"
    # Without a reason it would be a 422, which clients take for a fault of the object.
    assert {v["reason"] for v in policy["spec"]["validations"]} == {"Forbidden"}
    assert all(v["message"] for v in policy["spec"]["validations"])


def test_is_in_force_everywhere(policy: Object) -> None:
    name = policy["metadata"]["name"]
    (binding,) = (b for b in BINDINGS if b["spec"]["policyName"] == name)
    assert binding["metadata"]["name"] == name
    assert binding["spec"] == {"policyName": name, "validationActions": ["Deny"]}


def test_goes_by_no_name_that_a_request_may_leave_out(policy: Object) -> None:
    rules = policy["spec"]["matchConstraints"]["resourceRules"]
    assert all("resourceNames" not in rule for rule in rules)
    assert all(rule["apiVersions"] == ["*"] for rule in rules)


@pytest.mark.parametrize("name", ["mark", "limit"])
def test_the_marks_keys_are_those_that_the_archiver_writes(name: str) -> None:
    annotations = {mark.DIGEST, mark.UID, mark.PHASE, mark.STORE, mark.RUN, mark.ARCHIVED_AT}
    assert texts(variable(name, "annotationKeys")) == annotations
    assert texts(variable(name, "labelKeys")) == {mark.STATE_LABEL}


def test_the_guard_reads_what_the_archiver_writes() -> None:
    assert texts(variable("guard", "archived")) == {mark.UID, mark.PHASE}
    assert texts(variable("guard", "terminal")) == set(shapes.TERMINAL)


def test_the_archivers_finalizer_is_the_one_it_may_remove() -> None:
    spec = find("ValidatingAdmissionPolicy", "limit.archiver.kubernaut.io")["spec"]
    (expression,) = (v["expression"] for v in spec["validations"] if "filter" in v["expression"])
    assert texts(expression) == {mark.FINALIZER}


def test_who_the_archiver_is_stands_in_one_place_and_was_copied_from_there() -> None:
    names = yaml.safe_load((GUARD / "names.yaml").read_text())["data"]
    assert names == {"namespace": NAMESPACE, "username": USERNAME}
    conditions = [
        condition["expression"]
        for policy in POLICIES
        for condition in policy["spec"].get("matchConditions", [])
    ]
    assert [texts(c) for c in conditions if "username" in c] == [{USERNAME}, {USERNAME}]
    selector = find("ValidatingAdmissionPolicy", "guard.archiver.kubernaut.io")["spec"][
        "matchConstraints"
    ]["namespaceSelector"]
    assert selector["matchExpressions"] == [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [NAMESPACE]}
    ]
