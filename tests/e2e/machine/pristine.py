"""Runs a command where no folder of the system is that a node could write to, and says which are
there after it.

    unshare --mount python -m tests.e2e.machine.pristine FILE COMMAND [ARGUMENT ...]

An earlier node, or the machine's own containerd, may have made such a folder, in which nothing can
be seen to appear then. In this namespace the folders that hold them are new: they have everything
else that the machine's have, and not these. What is made in them goes with the namespace.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.machine.traces import SYSTEM_FOLDERS

ABSENT = frozenset(map(Path, SYSTEM_FOLDERS))
# Where there is no such folder, nothing can be mounted; `traces` looks at the machine's.
HOLDERS = sorted(holder for holder in {path.parent for path in ABSENT} if holder.is_dir())


def renew(holder: Path) -> None:
    """Mount a new folder over it, without what has to be absent."""
    new = Path(tempfile.mkdtemp())
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", new)
    for entry in holder.iterdir():
        if entry in ABSENT:
            continue
        if entry.is_symlink():
            (new / entry.name).symlink_to(entry.readlink())
            continue
        if entry.is_dir():
            (new / entry.name).mkdir()
        else:
            (new / entry.name).touch()
        _mount("--rbind", entry, new / entry.name)
    _mount("--move", new, holder)
    new.rmdir()


def entries() -> set[str]:
    """Of all of them. Others change the machine's folders meanwhile, and not these."""
    return {str(entry) for holder in HOLDERS for entry in holder.iterdir()}


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    for each in HOLDERS:
        renew(each)
    before = entries()
    code = subprocess.run(sys.argv[2:], check=False).returncode
    Path(sys.argv[1]).write_text(json.dumps(sorted(entries() - before)))
    sys.exit(code)
