"""A run on a cluster whose marks are not sent: list → plan → store → confirm.

For comparison with archivers that mark nothing. `python -m bench.unmarked`, with the settings of
`archiver` in the environment.
"""

import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from archiver.cli import main
from archiver.ports import Marker
from archiver.pretend import PretendMarker


def without_marks() -> Any:
    """The command line, with this in the place of the marker."""
    make: Callable[..., Marker] = lambda *_args, **_options: PretendMarker()  # noqa: E731 - one use
    return patch("archiver.kube.marker.KubeMarker", make)


if __name__ == "__main__":
    with without_marks():
        sys.argv[0] = "archiver"
        main()
