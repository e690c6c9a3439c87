"""An admission policy that lets the archiver change less than it may, for a test's sake."""

from tests.e2e.deploy.kube_api import Object
from tests.manifests import USERNAME

API_VERSION = "admissionregistration.k8s.io/v1"
NAME = "restriction.example.com"


def restriction(namespace: str, condition: str) -> list[Object]:
    """In this namespace the archiver changes resources only where `condition` (CEL) holds."""
    rule = {
        "apiGroups": ["remediationprocessing.kubernaut.io"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["remediationprocessings"],
    }
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    expression = f"request.userInfo.username != '{USERNAME}' || ({condition})"
    policy = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
        "validations": [{"expression": expression}],
    }
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    return [
        {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": NAME}, "spec": spec}
        for kind, spec in (
            ("ValidatingAdmissionPolicy", policy),
            ("ValidatingAdmissionPolicyBinding", binding),
        )
    ]
