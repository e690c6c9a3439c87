"""CoreDNS and the pause program, built from a Go module of the node's own."""

import hashlib
import subprocess
from pathlib import Path

from image.folders import only_one
from tests.controlplane.build import go_environment
from tests.controlplane.cache import cache_root
from tests.controlplane.progress import say
from tests.controlplane.toolchain import find_go
from tests.controlplane.versions import current_version
from tests.node.errors import NodeError

MODULE = Path(__file__).parent / "go"


def build(name: str) -> Path:
    """The path of `coredns` or `pause` in the cache, built now (a minute) if it is not there.

    Raises NodeError with the words of `go`, and BinaryMissing where there is none.
    """
    folder = cache_root() / f"node-{_digest()[:12]}"
    binary = folder / name
    with only_one(folder):
        if not binary.exists():
            folder.mkdir(exist_ok=True)
            _compile(name, binary)
    return binary


def _compile(name: str, binary: Path) -> None:
    go = find_go(current_version().go)
    say(f"{name}: building, about a minute, once")
    part = binary.with_name(f".{name}.part")
    done = subprocess.run(
        [go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", part, f"./{name}"],
        cwd=MODULE,
        env=go_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NodeError(f"{name} could not be built:\n{done.stdout}{done.stderr}")
    part.rename(binary)


def _digest() -> str:
    digest = hashlib.sha256()
    for file in (MODULE / "go.mod", MODULE / "go.sum", *sorted(MODULE.glob("*/main.go"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()
