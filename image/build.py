"""From nothing to an archive."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from image.archive import config_of, timestamp, write_archive
from image.distribution import PACKAGES, PYTHON, architecture, require
from image.environment import PROJECT
from image.errors import ImageError
from image.layer import Layer, layer_of
from image.packages import Package, fetch
from image.provenance import revision, source_date_epoch
from image.rights import settle
from image.root import ENTRYPOINT, USER, make_root
from image.sbom import Installed, sbom
from image.scratch import scratch
from image.whole import whole

_LABEL: Final = "org.opencontainers.image"
_SOURCE: Final = ("source", "repository", "sourcecode", "github")
_SBOM: Final = "usr/share/sbom/kubernaut-archiver.cdx.json"
_OURS: Final = f"usr/local/lib/{PYTHON}/dist-packages"


def project() -> dict[str, Any]:
    """[project] of pyproject.toml."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def reference() -> str:
    """The image's name as containerd has it; deploy/ calls it by its last part."""
    about = project()
    return f"docker.io/library/{about['name']}:{about['version']}"


def build(output: Path, packages: Path) -> str:
    """Write the archive, and its SBOM beside it; the digest of the manifest.

    `packages` is a folder in which Debian packages are kept from one build to the next. Raises
    ImageError.
    """
    epoch = source_date_epoch()
    # Before the sources are read: what changes meanwhile is a change, and git may refuse.
    about = labelled(process(), epoch)
    output.parent.mkdir(parents=True, exist_ok=True)
    with scratch() as root:
        root.chmod(0o755)
        document = fill(root, packages, epoch)
        layers = list(_layers(root, epoch))
    config = config_of(layers, about, architecture=architecture(), epoch=epoch)
    # The archive last: by its time make sees whether there is anything to do.
    with whole(output.with_name(output.name.removesuffix(".tar") + ".cdx.json")) as beside:
        beside.write(document)
    return write_archive(output, layers, config, reference=reference(), epoch=epoch)


def fill(root: Path, packages: Path, epoch: int) -> bytes:
    """The root file system, in a folder that is empty, or made now; its SBOM.

    Raises ImageError, in a folder that is not empty before anything is done: of what is in a root,
    a build deletes and overwrites much.
    """
    require()
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        raise ImageError(f"{root} is not empty: name a folder that is, or one that is not there")
    fetched = fetch(PACKAGES, packages)
    installed = Installed(root / _OURS, make_root(root, fetched, epoch))
    return _describe(root, fetched, installed, epoch)


def process() -> dict[str, Any]:
    """What runs, as whom, and what it is; `config` of an OCI image configuration."""
    about = project()
    labels = {
        "title": about["name"],
        "description": about["description"],
        "licenses": about["license"],
        "version": about["version"],
        **_source(about.get("urls", {})),
    }
    return {
        # By number: Kubernetes cannot tell of a name whether it is root (runAsNonRoot).
        "User": f"{USER}:{USER}",
        "Env": [
            "PATH=/usr/local/bin:/usr/bin",
            # No home, so that nothing is read from or written to one.
            "HOME=/nonexistent",
            # For psycopg's libpq, which was built for other distributions.
            "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
        ],
        "Entrypoint": [ENTRYPOINT],
        "Cmd": ["--help"],
        "WorkingDir": "/",
        "Labels": {f"{_LABEL}.{name}": text for name, text in labels.items()},
    }


def _source(urls: Mapping[str, str]) -> dict[str, str]:
    """Where the sources are, if pyproject.toml says it (labels that are well known to PyPI)."""
    found = (url for name, url in urls.items() if name.lower() in _SOURCE)
    return {"source": url} if (url := next(found, None)) else {}


def labelled(config: dict[str, Any], epoch: int) -> dict[str, Any]:
    """The same with labels of when and from which sources it was built, as far as git says.

    Raises ImageError where git refuses.
    """
    labels = {"created": timestamp(epoch), "revision": revision()}
    more = {f"{_LABEL}.{name}": text for name, text in labels.items() if text}
    return config | {"Labels": config["Labels"] | more}


def build_args() -> dict[str, str]:
    """The Dockerfile's arguments, so that Docker's image has the labels of the archive.

    Raises ImageError.
    """
    return {
        "VERSION": project()["version"],
        "REVISION": revision(),
        "SOURCE_DATE_EPOCH": str(source_date_epoch()),
    }


def _describe(root: Path, packages: list[Package], installed: Installed, epoch: int) -> bytes:
    about = project()
    document = sbom((about["name"], about["version"]), packages, installed, epoch)
    (root / _SBOM).parent.mkdir(parents=True)
    (root / _SBOM).write_bytes(document)
    settle(root)
    return document


def _layers(root: Path, epoch: int) -> Iterator[Layer]:
    """What changes rarely first: a new release of ours is a small last layer."""
    ours, libraries, system = [], [], []
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if name.startswith((f"{_OURS}/archiver", f"{_OURS}/kubernaut_archiver", _SBOM)):
            ours.append(path)
        elif name.startswith(_OURS):
            libraries.append(path)
        else:
            system.append(path)
    for paths in (system, libraries, ours):
        yield layer_of(root, paths, epoch)
