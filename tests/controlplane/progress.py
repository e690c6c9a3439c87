"""What is said to the person who waits."""

import sys


def say(text: str) -> None:
    """Write one line to standard error, at once."""
    sys.stderr.write(f"controlplane: {text}\n")
    sys.stderr.flush()
