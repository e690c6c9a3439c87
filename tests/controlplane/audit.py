"""What the API server was asked for, and by whom: its audit log.

Tests count the writes of the program under test with it, and prove that nothing else changed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Metadata is enough to tell a dry run (?dryRun=All in requestURI) and the outcome. The servers'
# own traffic would be most of the log; a controller's own ServiceAccount is kept, it may matter.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager"]},
        {
            "level": "None",
            "userGroups": ["system:serviceaccounts:kube-system"],
            "verbs": ["get", "list", "watch"],
        },
        {"level": "None", "nonResourceURLs": ["*"]},
        {"level": "Metadata"},
    ],
}


def audit_flags(policy: Path, log: Path) -> Sequence[str]:
    """Write the policy; the kube-apiserver flags that make it append events to `log`."""
    policy.write_text(json.dumps(POLICY))
    return (f"--audit-policy-file={policy}", f"--audit-log-path={log}")


def audit_events(log: Path) -> Iterator[Mapping[str, Any]]:
    """The events (audit.k8s.io/v1 Event) so far, oldest first.

    The server writes an event after it has sent the response: the newest may be a moment late.
    """
    if not log.exists():
        return
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):  # else it is being written
            yield json.loads(line)
