"""A copy of an installation that the account which runs the server cannot reach."""

import shutil
import stat
from dataclasses import replace
from pathlib import Path

from tests.postgres import process
from tests.postgres.binaries import Installation
from tests.postgres.folder import Folder


def within_reach(installation: Installation, folder: Folder) -> Installation:
    """The installation itself, or a copy below `folder` if its account cannot run it there.

    A virtual environment below /root (0700), or one that was made with a tight umask, is out of
    reach. The wheel's own start-up code opens such folders to everybody, up to `/`; a copy leaves
    the permissions of other people's folders alone.
    """
    if folder.account is None or _runs(installation, folder):
        return installation
    return _copy(installation, folder)


def _runs(installation: Installation, folder: Folder) -> bool:
    try:
        # initdb, not postgres: it needs libpq besides, which lies in another folder.
        done = process.run([installation.bin / "initdb", "--version"], folder)
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(installation: Installation, folder: Folder) -> Installation:
    target = folder.path / "installation"
    for part in filter(lambda part: (installation.root / part).is_dir(), installation.parts):
        # The headers are a fifth of it, and nobody compiles.
        shutil.copytree(
            installation.root / part,
            target / part,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "__pycache__"),
        )
    for path in (target, *target.rglob("*")):
        _open_for_reading(path)
    return replace(
        installation, bin=target / installation.bin.relative_to(installation.root), root=target
    )


def _open_for_reading(path: Path) -> None:
    """`chmod go=rX`: the copy is root's, so that the server cannot change its own programs."""
    if path.is_symlink():
        return
    mode = path.stat().st_mode
    runnable = 0o111 if mode & stat.S_IXUSR else 0
    path.chmod(stat.S_IMODE(mode) | 0o444 | runnable)
