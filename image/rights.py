"""Who may do what with the files of the image: one rule for its layers and for a root on a disk."""

import stat
from pathlib import Path
from typing import Final

# The only folder that anybody but root may write.
_SHARED: Final = "tmp"


def rights(name: str, mode: int) -> int:
    """The permissions of a folder or file, by its path in the image and the mode it came with.

    Whatever the umask was, and without set-user-ID bits.
    """
    if name == _SHARED:
        return 0o1777
    return 0o755 if stat.S_ISDIR(mode) or mode & stat.S_IXUSR else 0o644


def settle(root: Path) -> None:
    """Give everything below a folder its rights: what Docker copies has them from there."""
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(rights(str(path.relative_to(root)), path.stat().st_mode))
