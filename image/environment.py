"""The locked dependencies and our wheel, as they are installed into the image."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from image.errors import ImageError
from image.interpreter import Interpreter
from image.scratch import scratch

PROJECT: Final = Path(__file__).parent.parent
LOCK: Final = PROJECT / "requirements" / "run.txt"

# 800 modules of the Kubernetes API that the archiver never imports. They work without their
# bytecode, should somebody import one; with it they would be a fifth of the image.
_WITHOUT_BYTECODE: Final = r"/kubernetes/(client/(models|api)|dynamic|e2e_test|test)/"

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
    """A wheel whose bytes depend on the sources and `epoch` (seconds) alone. Raises ImageError."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=PROJECT,
        env={"SOURCE_DATE_EPOCH": str(epoch), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ImageError(f"the wheel cannot be built: {done.stdout}{done.stderr}")
    return next(folder.glob("*.whl"))


def compile_everything(python: Interpreter, epoch: int) -> None:
    """Bytecode beforehand, because the root file system is read-only later.

    Unchecked: nothing changes the sources below it, and it holds no time that would differ.
    """
    flags = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(python.root), "-p", "/"]
    folders = [str(python.packages), str(python.root / "usr/lib" / python.packages.parent.name)]
    python.run(["-m", "compileall", *flags, "-x", _WITHOUT_BYTECODE, *folders], epoch=epoch)


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
