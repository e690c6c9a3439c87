"""The locked dependencies and our wheel, as they are installed into the image."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from image.errors import ImageError
from image.interpreter import Interpreter
from image.scratch import scratch

PROJECT: Final = Path(__file__).parent.parent
LOCK: Final = PROJECT / "requirements" / "run.txt"

# Two thousand modules, nearly all of them types of the Kubernetes API that the archiver never
# imports. They work without bytecode, should somebody do so; with it they would be 50 MB more.
API_TYPES: Final = "kubernetes"

# Its files that all of our modules load, below the folder it is in; one of ours needs Alembic.
_LOADED: Final = f"""
import importlib, pkgutil, sys
from pathlib import Path
import archiver
folder = Path(archiver.__file__).parents[1]
for found in pkgutil.walk_packages(archiver.__path__, "archiver."):
    if found.name != "archiver.db.migrations.env":
        importlib.import_module(found.name)
for name, module in sorted(sys.modules.items()):
    if name.partition(".")[0] == "{API_TYPES}" and module.__file__:
        print(Path(module.__file__).relative_to(folder))
"""

_INSTALL: Final = (
    "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps",
    "--root-user-action=ignore", "--no-warn-script-location", "--only-binary=:all:",
)  # fmt: skip


def install_dependencies(python: Interpreter) -> dict[str, str]:
    """What the lock names, each by its hash, and nothing that it does not name.

    Name, as the distribution spells it → the SHA-256 of its wheel, one of those in the lock.
    """
    # The lock has the hashes of all platforms' wheels; pip says which of them it took.
    said = _install(python, "--require-hashes", "--requirement", str(LOCK), "--report", "-")
    return {
        each["metadata"]["name"]: each["download_info"]["archive_info"]["hashes"]["sha256"]
        for each in json.loads(said)["install"]
    }


def install_archiver(python: Interpreter, epoch: int) -> None:
    """The wheel of this source tree."""
    with scratch() as folder:
        _install(python, "--no-index", str(build_wheel(folder, epoch)))


def build_wheel(folder: Path, epoch: int) -> Path:
    """A wheel whose bytes depend on the sources and `epoch` (seconds) alone, in a folder that is
    made if it is not there. What a build that fails has begun is in there too.

    Raises ImageError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=PROJECT,
        env={"SOURCE_DATE_EPOCH": str(epoch), "PATH": "", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ImageError(f"the wheel cannot be built: {done.stdout}{done.stderr}")
    return next(folder.glob("*.whl"))


def compile_modules(python: Interpreter, epoch: int) -> None:
    """Bytecode beforehand, because the root file system is read-only later: for every module, of
    `API_TYPES` for those that importing ours loads.

    Unchecked: nothing changes the sources below it, and it holds no time that would differ.
    """
    folders = [python.packages, python.root / "usr/lib" / python.packages.parent.name]
    left_out = f"^{re.escape(str(python.packages / API_TYPES))}/"
    _compile(python, epoch, ["-x", left_out, *map(str, folders)])
    # Asked of Python and no list: a release of kubernetes moves its types, and ours import others.
    # -P: ours as installed, and not as in the folder that this was called in.
    loaded = python.run(["-Pc", _LOADED]).splitlines()
    _compile(python, epoch, [str(python.packages / name) for name in loaded])


def _compile(python: Interpreter, epoch: int, what: Sequence[str]) -> None:
    flags = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(python.root), "-p", "/"]
    python.run(["-m", "compileall", *flags, *what], epoch=epoch)


def _install(python: Interpreter, *what: str) -> str:
    """Install it; what pip prints."""
    pip = Path(_pip_folder())
    said = python.run([*_INSTALL, "--target", str(python.packages), "--upgrade", *what], path=[pip])
    # The scripts name the interpreter by this machine's path. The image has its own.
    shutil.rmtree(python.packages / "bin", ignore_errors=True)
    for folder in python.packages.glob("*.dist-info"):
        (folder / "direct_url.json").unlink(missing_ok=True)  # where on this machine the wheel was
        _keep_true(folder / "RECORD", python.packages)
    return said


def _pip_folder() -> str:
    import pip  # the builder's own: pure Python, so that any interpreter runs it

    return str(Path(pip.__file__).parent.parent)


def _keep_true(record: Path, packages: Path) -> None:
    """Leave out of RECORD what is not there any more, hashes of the builder's paths among it."""
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if (packages / line.rsplit(",", 2)[0].strip('"')).exists()]
    record.write_text("".join(kept), encoding="utf-8")
