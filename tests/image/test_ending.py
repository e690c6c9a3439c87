"""A build that is ended by others leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.waiting import eventually


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_was_built_so_far_is_removed(tmp_path: Path, number: signal.Signals) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    output = tmp_path / "image.oci.tar"
    with subprocess.Popen(
        [sys.executable, "-m", "image", "--output", output],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    ) as process:
        try:
            # pip runs, and has begun to unpack.
            eventually(lambda: any(temporary.glob("*/pip-*")) or process.poll() is not None)
            assert process.poll() is None
            process.send_signal(number)
            _, said = process.communicate(timeout=20)
            assert process.returncode == 128 + number
            assert b"Traceback" not in said
        finally:
            process.kill()
    assert list(temporary.iterdir()) == []
    assert not output.exists()
    assert not mentioning(temporary)


def mentioning(folder: Path) -> list[str]:
    """The processes that were told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:  # it ended
            continue
    return found
