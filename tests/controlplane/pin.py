"""go.mod and go.sum for one Kubernetes release.

k8s.io/kubernetes requires its staging modules as v0.0.0 and replaces them by folders of its own
repository. Such replacements count only in the main module, so ours has to name, for each of
them, the release published from the same commit: v1.37.2 of Kubernetes is v0.37.2 of k8s.io/api.
"""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from tests.controlplane.build import go_environment
from tests.controlplane.errors import BuildFailed
from tests.controlplane.toolchain import find_go
from tests.controlplane.versions import GO_MODULE, minor_of

STAGING = re.compile(r"^\s*(\S+) => \./staging/", re.MULTILINE)
DIRECTIVE = re.compile(r"^(?:go|godebug) .*$", re.MULTILINE)


def pin(release: str, oldest_go: str = "1.26.0") -> Path:
    """Write `go/<minor>/go.mod` and go.sum for a release such as 1.37.2, and return go.mod.

    Raises BuildFailed with the words of `go`.
    """
    go = find_go(oldest_go)
    text = go_mod(_upstream(go, release), release)
    modfile = GO_MODULE / minor_of(release) / "go.mod"
    modfile.parent.mkdir(exist_ok=True)
    modfile.write_text(text)
    modfile.with_suffix(".sum").unlink(missing_ok=True)
    _run(go, "mod", "tidy", f"-modfile={modfile}", folder=GO_MODULE)
    return modfile


def go_mod(upstream: str, release: str) -> str:
    """Our go.mod, made from the text of the one of k8s.io/kubernetes at this release."""
    staging = release.replace("1.", "v0.", 1)
    replaced = [f"\t{module} => {module} {staging}" for module in STAGING.findall(upstream)]
    return "\n".join(
        [
            "module kubernaut-archiver/tests/controlplane",
            "",
            # Upstream's default of GODEBUG: its binaries must behave as the released ones.
            *(line + "\n" for line in DIRECTIVE.findall(upstream)),
            f"require k8s.io/kubernetes v{release}",
            "",
            "replace (",
            *replaced,
            ")",
            "",
        ]
    )


def _upstream(go: Path, release: str) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:
        module = f"k8s.io/kubernetes@v{release}"
        answer = _run(go, "mod", "download", "-json", module, folder=Path(elsewhere))
    return Path(json.loads(answer)["GoMod"]).read_text()


def _run(go: Path, *arguments: str, folder: Path) -> str:
    environment = {name: value for name, value in go_environment().items() if name != "GOFLAGS"}
    done = subprocess.run(
        [go, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"go {' '.join(arguments)}{os.linesep}{done.stdout}{done.stderr}")
    return done.stdout
