"""Which Kubernetes releases can be built, and which one is asked for.

The folders of the Go module say it: `go/<minor>/go.mod` requires one release of k8s.io/kubernetes.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.errors import UnknownVersion

GO_MODULE = Path(__file__).parent / "go"
VARIABLE = "KUBERNETES_VERSION"


@dataclass(frozen=True, slots=True)
class Version:
    """One pinned release. `release` is without "v", such as 1.37.2; `go` the oldest Go for it."""

    release: str
    go: str
    modfile: Path

    @property
    def minor(self) -> str:
        """The minor release, such as 1.37."""
        return minor_of(self.release)


def minor_of(release: str) -> str:
    """1.37 of 1.37.2 or v1.37.2-rc.1."""
    return ".".join(release.removeprefix("v").split(".")[:2])


def ordinal(release: str) -> tuple[int, ...]:
    """Something to compare releases by: the numbers of 1.37.2, go1.26.8 or 1.37 as a tuple."""
    return tuple(int(number) for number in re.findall(r"\d+", release))


def known_versions(go_module: Path = GO_MODULE) -> Mapping[str, Version]:
    """Minor release → what is pinned for it, oldest first."""
    pinned = [_read(modfile) for modfile in go_module.glob("*/go.mod")]
    return {version.minor: version for version in sorted(pinned, key=lambda v: ordinal(v.release))}


def current_version() -> Version:
    """The newest of them, which is the default everywhere."""
    return [*known_versions().values()][-1]


def requested_minor(asked: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """What the caller asks for, else KUBERNETES_VERSION, else None: whatever there is."""
    return asked or environ.get(VARIABLE) or None


def resolve(minor: str | None) -> Version:
    """The pinned release of a minor such as 1.37; of None, the current one.

    Raises UnknownVersion.
    """
    if minor is None:
        return current_version()
    known = known_versions()
    try:
        return known[minor]
    except KeyError:
        raise UnknownVersion(
            f"Kubernetes {minor!r} is not pinned here: {VARIABLE} (or --version) may be "
            f"{' or '.join(known)}, by default {current_version().minor}. "
            "To pin another release: python -m tests.controlplane pin 1.X.Y"
        ) from None


def _read(modfile: Path) -> Version:
    text = modfile.read_text()
    release = re.search(r"^\s*(?:require )?k8s\.io/kubernetes v(\S+)", text, re.MULTILINE)
    go = re.search(r"^go (\S+)", text, re.MULTILINE)
    if release is None or go is None:
        raise UnknownVersion(f"{modfile} names no release of k8s.io/kubernetes or no Go version")
    return Version(release[1], go[1], modfile)
