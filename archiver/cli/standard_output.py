"""Standard output: what a command was asked for, and nothing else."""

import os
import sys
from pathlib import Path


def write(text: str) -> None:
    """Write text. Whoever has read enough and gone away (`| head`) ends no run."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        _write_to_nobody()


def flush() -> None:
    """Send what is still held back."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nobody()


def _write_to_nobody() -> None:
    # What is held back stays so, and would fail again at every later flush.
    with Path(os.devnull).open("wb") as nobody:
        os.dup2(nobody.fileno(), sys.stdout.fileno())
