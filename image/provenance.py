"""From when the sources are, and which they are: by git, where there is one."""

import os
import re
import shutil
import subprocess
from typing import Final

from image.environment import PROJECT
from image.errors import ImageError

# What the wheel and the image are made from.
SOURCES: Final = ("archiver", "image", "requirements", "pyproject.toml", "README.md")

# git's words where nothing is wrong; what follows differs at the border of a file system.
_NO_REPOSITORY: Final = "not a git repository (or any "

# Where there is neither SOURCE_DATE_EPOCH nor git: 2024-01-01.
_SOME_TIME: Final = 1_704_067_200

# Wheels are zip files, whose last year is 2107; their times are even.
_LAST_TIME: Final = 4_354_819_198


def source_date_epoch() -> int:
    """SOURCE_DATE_EPOCH, else the time of the last commit; seconds. Raises ImageError."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        if not re.fullmatch(r"[0-9]{1,10}", given):
            raise ImageError(
                f"SOURCE_DATE_EPOCH is {given!r}: it is a number of seconds since 1970, "
                "such as that of `date +%s`"
            )
        if int(given) > _LAST_TIME:
            raise ImageError(
                f"SOURCE_DATE_EPOCH is {given!r}: it is at most {_LAST_TIME}, the end of 2107, "
                "because a wheel can hold no later time"
            )
        return int(given)
    committed = _git("log", "-1", "--format=%ct")
    return int(committed) if committed.isdecimal() else _SOME_TIME


def revision() -> str:
    """The commit; with -dirty behind it where a file was changed since, or one added that is in
    the image or makes it. "" without git, and where the commit is not that of these sources.
    """
    commit = _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    if commit.endswith("-dirty") or not commit:
        return commit
    # Ignored is what .gitignore ignores, as for the wheel, and not what a person ignores besides.
    added = _git("ls-files", "--others", "--exclude-per-directory=.gitignore", "--", *SOURCES)
    return f"{commit}-dirty" if added else commit


def _git(*arguments: str) -> str:
    """What git says of the project; "" without git, and where no commit has these sources: there is
    none, or the repository is one around the project's folder, which does not keep what is in it.

    Raises ImageError with git's own words where it refuses: sources without a name are no release.
    """
    git = shutil.which("git")
    if git is None:
        return ""
    asked = _run(git, "rev-parse", "--verify", "--quiet", "HEAD")
    # Of a commit that is missing it says nothing.
    if asked.returncode != 0 and (not asked.stderr or _NO_REPOSITORY in asked.stderr):
        return ""
    if asked.returncode == 0:
        asked = _run(git, "ls-tree", "--name-only", "HEAD", "--", *SOURCES)
    if asked.returncode == 0:
        if not set(SOURCES) <= set(asked.stdout.splitlines()):
            return ""
        asked = _run(git, *arguments)
    if asked.returncode != 0:
        raise ImageError(f"git does not say which sources are in {PROJECT}: {asked.stderr.strip()}")
    return asked.stdout.strip()


def _run(git: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    english = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        [git, *arguments], cwd=PROJECT, env=english, capture_output=True, text=True, check=False
    )
