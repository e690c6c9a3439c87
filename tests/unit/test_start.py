"""A process that is told to stop before it has begun anything."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STOPPED = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)\n"


def script() -> str:
    """What the console script does: it calls the function that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["archiver"].partition(":")
    return f"from {module} import {function}; {function}()"


# A module of that name is imported in its stead, and the signal comes in the middle of it: click is
# the first of them, pydantic comes with the settings, structlog with the pipeline.
@pytest.mark.parametrize("imported", ["click", "pydantic", "structlog"])
@pytest.mark.parametrize("start", [("-m", "archiver"), ("-c", script())], ids=["-m", "script"])
@pytest.mark.parametrize("command", ["run", "backfill"])
def test_a_signal_during_the_imports_is_75(
    tmp_path: Path, imported: str, start: tuple[str, str], command: str
) -> None:
    (tmp_path / f"{imported}.py").write_text(STOPPED)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *start, command],
        env=os.environ | {"PYTHONPATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (os.EX_TEMPFAIL, ""), done.stderr
    assert done.stderr == f"archiver: told to stop ({signal.SIGTERM.name})\n"
