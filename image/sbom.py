"""What is in the image, as CycloneDX 1.6: Debian packages and Python distributions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from image.packages import Package


def sbom(subject: tuple[str, str], packages: Sequence[Package], python: Path, epoch: int) -> bytes:
    """The document of an image of this name and version.

    `python` is the folder in which the distributions are installed.
    """
    debian = [_debian(package) for package in packages]
    pypi = [_pypi(found) for found in distributions(path=[str(python)])]
    components = sorted(debian + pypi, key=lambda component: str(component.purl))
    name, version = subject
    about = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
    bom = Bom(
        components=components,
        metadata=BomMetaData(component=about, timestamp=datetime.fromtimestamp(epoch, UTC)),
        # The same for the same contents, so that the image is.
        serial_number=uuid5(NAMESPACE_URL, "\n".join(str(each.purl) for each in components)),
    )
    bom.register_dependency(about, components)
    return JsonV1Dot6(bom).output_as_string(indent=2).encode()


def _debian(package: Package) -> Component:
    qualifiers = {"arch": package.architecture}
    purl = PackageURL("deb", "debian", package.name, package.version, qualifiers)
    return _component(package.name, package.version, purl)


def _pypi(found: Distribution) -> Component:
    return _component(
        found.name, found.version, PackageURL("pypi", None, found.name, found.version)
    )


def _component(name: str, version: str, purl: PackageURL) -> Component:
    return Component(
        name=name, version=version, purl=purl, bom_ref=str(purl), type=ComponentType.LIBRARY
    )
