"""What a webhook is registered with that sees each change of a resource but of its status."""

from typing import Any

from tests.e2e.deploy.installation import GROUP
from tests.e2e.deploy.kube_api import Object


def on_update(namespace: str, name: str, client: Object, **more: Any) -> Object:
    """The configuration of a webhook `name`, for one namespace and named after it."""
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["remediationprocessings"],
    }
    webhook = {
        "name": name,
        "clientConfig": client,
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **more,
    }
    return {"metadata": {"name": namespace}, "webhooks": [webhook]}
