"""The command that a cluster is made for: its program, and how it ended."""

import shutil

from tests.node.errors import NodeError


def path_of(program: str) -> str:
    """Its path. Raises NodeError where there is none: a cluster takes a while to be made."""
    found = shutil.which(program)
    if found is None:
        raise NodeError(f"there is no program {program} to run on the cluster")
    return found


def as_a_shell_says(returncode: int) -> int:
    """A process's exit code: 128 and the signal's number where one ended it."""
    return returncode if returncode >= 0 else 128 - returncode
