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

# Where there is neither SOURCE_DATE_EPOCH nor git: 2024-01-01.
_SOME_TIME: Final = 1_704_067_200


def source_date_epoch() -> int:
    """SOURCE_DATE_EPOCH, else the time of the last commit; seconds. Raises ImageError."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        if not re.fullmatch(r"[0-9]{1,10}", given):
            raise ImageError(
                f"SOURCE_DATE_EPOCH is {given!r}: it is a number of seconds since 1970, "
                "such as that of `date +%s`"
            )
        return int(given)
    committed = _git("log", "-1", "--format=%ct")
    return int(committed) if committed.isdecimal() else _SOME_TIME


def revision() -> str:
    """The commit; with -dirty behind it where a file was changed since, or one added that is in
    the image or makes it. "" without git.
    """
    commit = _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    if commit.endswith("-dirty") or not commit:
        return commit
    # Ignored is what .gitignore ignores, as for the wheel, and not what a person ignores besides.
    added = _git("ls-files", "--others", "--exclude-per-directory=.gitignore", "--", *SOURCES)
    return f"{commit}-dirty" if added else commit


def _git(*arguments: str) -> str:
    """What git says of the project; "" without git, or where the sources are in no repository."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
