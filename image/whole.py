"""A file that is whole or not there: what a killed build leaves of it goes with the next one."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import BinaryIO

from image.folders import remove_stale_files


@contextmanager
def whole(file: Path) -> Iterator[BinaryIO]:
    """What is written to it becomes `file` at the end of the context, if that is no exception.

    Two builds of one file have one each until then. Those of builds that were killed are removed
    first: nobody holds their lock any more.
    """
    remove_stale_files(file.parent.glob(f".{escape(file.name)}.*.part"))
    # No process ID: two containers that share a folder may have the same.
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
    with part.open("xb") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX)
            yield out
            out.flush()  # a full disk is told before, and not after the older file is gone
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
