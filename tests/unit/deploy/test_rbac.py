"""The ClusterRole: what it gives, what it never may, and that each rule says why."""

from itertools import pairwise

from tests.manifests import DEPLOY, NAMESPACE, SERVICE_ACCOUNT, Object, everything, find

RULES: list[Object] = find("ClusterRole", "kubernaut-archiver")["rules"]


def test_every_rule_has_its_reason_before_it() -> None:
    lines = (DEPLOY / "rbac.yaml").read_text().splitlines()
    before = [first for first, second in pairwise(lines) if second.startswith("  - apiGroups:")]
    assert len(before) == len(RULES)
    assert all(line.startswith("  # ") for line in before)


def test_there_is_no_wildcard() -> None:
    assert "*" not in {word for rule in RULES for words in rule.values() for word in words}


def test_only_three_verbs_are_given() -> None:
    assert {verb for rule in RULES for verb in rule["verbs"]} == {"get", "list", "patch"}


def test_only_the_archived_resource_may_be_written() -> None:
    (writing,) = (rule for rule in RULES if "patch" in rule["verbs"])
    assert writing == {
        "apiGroups": ["remediationprocessing.kubernaut.io"],
        "resources": ["remediationprocessings"],
        "verbs": ["list", "patch"],
    }


def test_get_is_by_name_only() -> None:
    assert all(rule["resourceNames"] for rule in RULES if "get" in rule["verbs"])


def test_neither_subresources_nor_secrets() -> None:
    resources = {resource for rule in RULES for resource in rule["resources"]}
    assert not [resource for resource in resources if "/" in resource]
    assert "secrets" not in resources


def test_the_guards_policies_are_the_ones_that_may_be_read() -> None:
    (rule,) = (rule for rule in RULES if rule["apiGroups"] == ["admissionregistration.k8s.io"])
    policies = {
        o["metadata"]["name"] for o in everything() if o["kind"] == "ValidatingAdmissionPolicy"
    }
    assert set(rule["resourceNames"]) == policies


def test_the_role_is_for_the_archiver_alone_and_no_namespace_takes_it_along() -> None:
    kinds = {o["kind"] for o in everything()}
    assert "RoleBinding" not in kinds
    binding = find("ClusterRoleBinding", "kubernaut-archiver")
    subject = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}
    assert binding["subjects"] == [subject]
    assert binding["roleRef"]["name"] == "kubernaut-archiver"
