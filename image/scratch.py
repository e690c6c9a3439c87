"""Folders for the parts of a build, hundreds of megabytes: a killed one's go with the next."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from image.folders import Workdir, remove_stale

PREFIX: Final = "archiver-image-"


@contextmanager
def scratch(prefix: str = PREFIX) -> Iterator[Path]:
    """A folder of mode 0700 for the time of the context.

    Those of the same prefix whose process was killed are removed first: nobody holds their lock
    any more.
    """
    remove_stale(prefix)
    folder = Workdir.fresh(prefix)
    try:
        # For pip, which may outlive a build that is killed, if by a moment.
        os.set_inheritable(folder.lock, True)
        yield folder.path
    finally:
        folder.remove()
