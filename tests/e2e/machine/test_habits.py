"""A person's habits change nothing of a node: what pods need is there for them to read."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOOK = """
import json, os, pathlib, sys, tempfile
node = pathlib.Path(tempfile.gettempdir()).parent
layers = node.glob("containerd/*snapshotter*/snapshots/*/fs")
modes = [oct(path.stat().st_mode & 0o777) for path in layers]
pathlib.Path(sys.argv[1]).write_text(json.dumps([os.umask(0), modes]))
"""


def test_a_strict_umask(tmp_path: Path) -> None:
    told = tmp_path / "told"
    look = [sys.executable, "-c", LOOK, str(told)]
    command = [sys.executable, "-m", "tests.node", "run", "--", *look]
    # Not in tmp_path, which is too long for the kubelet's sockets.
    with tempfile.TemporaryDirectory() as temporary:
        env = os.environ | {"TMPDIR": temporary}
        subprocess.run(command, env=env, umask=0o077, check=True)
        assert list(Path(temporary).iterdir()) == []
    umask, modes = json.loads(told.read_text())
    assert umask == 0o077  # the command's own is as it was
    assert modes
    assert set(modes) == {"0o755"}


def test_a_container_in_whose_root_no_overlay_can_be_made_is_told_so_at_once() -> None:
    # What a container's root is: its own TMPDIR is an overlay.
    root = 'mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"'
    needs = f'{root} && TMPDIR="$1/root" exec "$2" -m tests.node needs'
    with tempfile.TemporaryDirectory() as temporary:
        for name in ("upper", "work", "root"):
            Path(temporary, name).mkdir()
        command = ["unshare", "--mount", "sh", "-c", needs, "sh", temporary, sys.executable]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "set TMPDIR to a volume" in done.stderr
    assert "Traceback" not in done.stderr
