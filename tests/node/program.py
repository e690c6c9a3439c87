"""The program of a command that a cluster is made for."""

import shutil

from tests.node.errors import NodeError


def path_of(program: str) -> str:
    """Its path. Raises NodeError where there is none: a cluster takes a while to be made."""
    found = shutil.which(program)
    if found is None:
        raise NodeError(f"there is no program {program} to run on the cluster")
    return found
