"""What is in the image, and what is not."""

import hashlib
import json
import re
import stat
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from packageurl import PackageURL

from image.__main__ import default_packages
from image.build import build, project
from image.distribution import PACKAGES, PYTHON
from image.environment import LOCK
from image.packages import fetch


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def test_the_same_sources_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.oci.tar"
    build(again, default_packages())
    assert again.read_bytes() == archive.read_bytes()


def test_there_is_one_program_and_no_shell(root: Path) -> None:
    binaries = {
        path.name
        for folder in ("bin", "usr/bin", "sbin", "usr/sbin", "usr/local/bin")
        if (root / folder).is_dir()
        for path in (root / folder).iterdir()
    }
    assert binaries == {PYTHON, "archiver"}


def test_nothing_runs_with_more_rights_than_its_caller(root: Path) -> None:
    elevated = [p for p in files(root) if p.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
    assert elevated == []


def test_its_user_can_change_nothing(root: Path) -> None:
    open_to_all = [
        path
        for path in root.rglob("*")
        if not path.is_symlink() and (path.stat().st_uid or path.stat().st_mode & 0o022)
    ]
    assert open_to_all == [root / "tmp"]


def test_every_library_that_is_needed_is_there(root: Path) -> None:
    there = {path.name for path in root.rglob("*.so*")}
    missing = {}
    for path in filter(is_elf, files(root)):
        with path.open("rb") as file:
            sections = ELFFile(file).iter_sections()
            dynamic = [each for each in sections if isinstance(each, DynamicSection)]
            tags = [tag for each in dynamic for tag in each.iter_tags("DT_NEEDED")]
            # pyelftools gives a tag the attribute that its kind has.
            needed = {tag.needed for tag in tags}  # type: ignore[attr-defined]
        if needed - there:
            missing[str(path.relative_to(root))] = needed - there
    assert missing == {}


def test_the_sbom_lists_what_is_there_and_nothing_else(root: Path, archive: Path) -> None:
    document = (root / "usr/share/sbom/kubernaut-archiver.cdx.json").read_text()
    assert archive.with_name("image.oci.cdx.json").read_text() == document
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None
    listed: list[dict[str, Any]] = json.loads(document)["components"]
    pypi = {c["name"]: c["version"] for c in listed if c["purl"].startswith("pkg:pypi/")}
    installed = distributions(path=[str(root / "usr/local/lib" / PYTHON / "dist-packages")])
    assert pypi == {found.name: found.version for found in installed}
    debian = [c for c in listed if c["purl"].startswith("pkg:deb/debian/")]
    assert sorted(map(said_of_package, debian)) == sorted(map(of_package, fetched()))
    assert len(debian) == len(PACKAGES)
    assert len(listed) == len(pypi) + len(debian)
    assert all("distro=debian-12" in component["purl"] for component in debian)


def said_of_package(component: Mapping[str, Any]) -> tuple[str, ...]:
    """Name, version, architecture and SHA-256; of the identity that scanners look up as well."""
    purl = PackageURL.from_string(component["purl"])
    assert (purl.name, purl.version) == (component["name"], component["version"])
    hashes = [each["content"] for each in component.get("hashes", ()) if each["alg"] == "SHA-256"]
    return (component["name"], component["version"], dict(purl.qualifiers)["arch"], *hashes)


def fetched() -> list[Path]:
    """The files that the image was made of."""
    return [package.file for package in fetch(PACKAGES, default_packages())]


def of_package(file: Path) -> tuple[str, ...]:
    """The same, as dpkg reads it in the file, and not in the file's name."""
    form = "${Package} ${Version} ${Architecture}"
    ask: list[str | Path] = ["dpkg-deb", "--show", "--showformat", form, file]
    said = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
    return (*said.split(), hashlib.sha256(file.read_bytes()).hexdigest())


def test_the_sbom_has_the_hash_of_each_wheel_as_the_lock_has_it(root: Path) -> None:
    document = (root / "usr/share/sbom/kubernaut-archiver.cdx.json").read_text()
    listed: list[dict[str, Any]] = json.loads(document)["components"]
    pypi = {c["name"]: c.get("hashes", []) for c in listed if c["purl"].startswith("pkg:pypi/")}
    assert pypi.pop(project()["name"]) == []  # ours is built, and in no lock
    for name, (digest,) in pypi.items():
        assert digest["content"] in locked(name), name


def locked(name: str) -> set[str]:
    """The hashes of a distribution in the lock."""
    normal = re.sub(r"[-_.]+", "-", name).lower()
    entry = re.search(rf"^{re.escape(normal)}==.*(?:\n    .*)*", LOCK.read_text(), re.MULTILINE)
    assert entry, name
    return set(re.findall(r"sha256:([0-9a-f]{64})", entry[0]))


def test_the_sbom_lists_the_libraries_that_wheels_bring_along(root: Path) -> None:
    document = (root / "usr/share/sbom/kubernaut-archiver.cdx.json").read_text()
    folder = root / "usr/local/lib" / PYTHON / "dist-packages"
    bundled = [path for path in folder.rglob("*.so*") if path.parent.name.endswith(".libs")]
    assert len(bundled) > 20
    components: list[dict[str, Any]] = json.loads(document)["components"]
    parts = [part for component in components for part in component.get("components", ())]
    found = {part["bom-ref"]: part["hashes"][0]["content"] for part in parts}
    assert found == {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in bundled
    }
    assert {"libssl", "libcrypto", "libpq", "libcurl"} <= {part["name"] for part in parts}


def test_no_file_names_the_folder_it_was_built_in(root: Path) -> None:
    here = str(Path.cwd()).encode()
    assert [path for path in files(root) if here in path.read_bytes()] == []
    assert list(root.rglob("direct_url.json")) == []


def test_every_link_leads_somewhere(root: Path) -> None:
    def target(link: Path) -> Path:
        to = link.readlink()
        return root / to.relative_to("/") if to.is_absolute() else link.parent / to

    links = [path for path in root.rglob("*") if path.is_symlink()]
    assert [link for link in links if not target(link).exists()] == []
