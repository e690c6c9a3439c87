"""What is in the image, as CycloneDX 1.6: Debian packages, Python distributions, what those bring.

Wheels bring shared libraries of their own (OpenSSL, libpq, libcurl, …), which no package manager
knows of: each is a component below its wheel, by its file's name and hash. The name is all that a
file says of its version, and that is the one of its interface.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from image.distribution import DISTRO
from image.packages import Package


@dataclass(frozen=True, slots=True)
class Installed:
    """The folder of the distributions, and the SHA-256 of each one's wheel, by its name."""

    folder: Path
    wheels: Mapping[str, str]


def sbom(
    subject: tuple[str, str], packages: Sequence[Package], python: Installed, epoch: int
) -> bytes:
    """The document of an image of this name and version."""
    debian = [_debian(package) for package in packages]
    pypi = [
        _pypi(found, python.wheels.get(found.name))
        for found in distributions(path=[str(python.folder)])
    ]
    components = sorted(debian + pypi, key=lambda component: str(component.purl))
    name, version = subject
    about = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
    bom = Bom(
        components=components,
        metadata=BomMetaData(component=about, timestamp=datetime.fromtimestamp(epoch, UTC)),
        # The same for the same contents, so that the image is.
        serial_number=uuid5(NAMESPACE_URL, "\n".join(_identities(components))),
    )
    bom.register_dependency(about, components)
    return JsonV1Dot6(bom).output_as_string(indent=2).encode()


def _debian(package: Package) -> Component:
    # Scanners look advisories up by release: the same version may be mended in one and not another.
    qualifiers = {"arch": package.architecture, "distro": DISTRO}
    purl = PackageURL("deb", "debian", package.name, package.version, qualifiers)
    return _component(package.name, package.version, purl, hashes=[_hash(package.file)])


def _pypi(found: Distribution, wheel: str | None) -> Component:
    purl = PackageURL("pypi", None, found.name, found.version)
    hashes = [_sha256(wheel)] if wheel else []
    parts = list(_bundled(found))
    return _component(found.name, found.version, purl, hashes=hashes, components=parts)


def _bundled(found: Distribution) -> Iterator[Component]:
    """The shared libraries that a wheel has in a folder of its own (auditwheel's form)."""
    for path in sorted(found.files or ()):
        if path.parts[0].endswith(".libs"):
            # libssl-6a9b88ec.so.3: the number between is the file's own digest, to tell it apart.
            stem, _, version = path.name.partition(".so")
            yield Component(
                name=re.sub(r"-[0-9a-f]{8}$", "", stem),
                version=version.removeprefix(".") or None,
                type=ComponentType.LIBRARY,
                bom_ref=str(path),
                hashes=[_hash(Path(str(path.locate())))],
            )


def _component(name: str, version: str, purl: PackageURL, **more: Any) -> Component:
    return Component(
        name=name, version=version, purl=purl, bom_ref=str(purl), type=ComponentType.LIBRARY, **more
    )


def _hash(file: Path) -> HashType:
    return _sha256(hashlib.sha256(file.read_bytes()).hexdigest())


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _identities(components: Iterable[Component]) -> Iterator[str]:
    for component in components:
        yield " ".join([str(component.bom_ref.value), *(each.content for each in component.hashes)])
        yield from _identities(component.components)
