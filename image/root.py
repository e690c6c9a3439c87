"""The root file system of the image."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from image.distribution import PYTHON, UNREAD, UNSUPPORTED
from image.environment import compile_modules, install_archiver, install_dependencies
from image.interpreter import Interpreter
from image.packages import Package, unpack

USER: Final = 65532
ENTRYPOINT: Final = "/usr/local/bin/archiver"

# -I: neither the environment nor a user's folder changes what is imported. -u: the last words
# before a kill are in the log.
_SCRIPT: Final = f"""#!/usr/bin/{PYTHON} -Iu
from archiver.__main__ import main

main()
"""
_FILES: Final = {
    "etc/passwd": f"root:x:0:0:root:/:/nonexistent\narchiver:x:{USER}:{USER}::/nonexistent:/none\n",
    "etc/group": f"root:x:0:\narchiver:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "usr/local/bin/archiver": _SCRIPT,
}


def make_root(root: Path, packages: Sequence[Package], epoch: int) -> dict[str, str]:
    """Fill an empty folder; distribution → SHA-256 of the wheel it came in, ours left out.

    `epoch` (seconds) is the time that built things carry.
    """
    unpack(packages, root)
    _trim(root)
    _write_files(root)
    python = Interpreter(root)
    python.packages.mkdir(parents=True)
    wheels = install_dependencies(python)
    install_archiver(python, epoch)
    compile_modules(python, epoch)
    return wheels


def _trim(root: Path) -> None:
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    # What update-ca-certificates does, whose script needs a shell.
    bundle.write_bytes(b"".join(file.read_bytes() for file in certificates))
    for pattern in UNREAD:
        for path in root.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in UNSUPPORTED:
        for path in (root / "usr/lib" / PYTHON / "lib-dynload").glob(f"{name}.*.so"):
            path.unlink()
    # Licences stay, as they ask for it.
    for path in (root / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()
    for path in sorted((root / "usr/bin").iterdir()):
        if path.name != PYTHON:
            path.unlink()


def _write_files(root: Path) -> None:
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "usr/local/bin/archiver").chmod(0o755)
    (root / "tmp").mkdir(exist_ok=True)
    for name in ("proc", "sys", "dev", "etc/archiver"):  # mount points, where the root is read-only
        (root / name).mkdir(parents=True, exist_ok=True)
