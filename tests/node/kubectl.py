"""kubectl, as a person calls it."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.controlplane.build import build
from tests.controlplane.versions import current_version, known_versions, minor_of
from tests.node.errors import NodeError

LIMIT = 180  # seconds; what takes longer hangs


def build_kubectl(release: str) -> Path:
    """The path of a kubectl for this release, built now if it is not there. Raises BuildFailed.

    Where that release is not pinned here, the current one's: kubectl is allowed to be newer.
    """
    return build("kubectl", known_versions().get(minor_of(release), current_version()))


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The program, the kubeconfig it is called with, and a folder for what it learns of the API.

    kubectl itself takes ~/.kube for that; and beside somebody's own kubeconfig it would stay.
    """

    program: Path
    kubeconfig: Path
    cache: Path

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """What it prints. Raises NodeError with what it says if it fails."""
        done = self.try_to(*arguments, stdin=stdin)
        if done.returncode != 0:
            words = " ".join(map(str, arguments))
            raise NodeError(f"kubectl {words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def try_to(
        self, *arguments: str | Path, stdin: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Call it; its failure is an answer too."""
        options = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.cache}")
        return subprocess.run(
            [self.program, *options, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    def get(self, *arguments: str | Path) -> Any:
        """`kubectl get`, decoded."""
        return json.loads(self("get", "-o", "json", *arguments))

    def apply(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """`kubectl apply --server-side` of these objects."""
        documents = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(documents))
