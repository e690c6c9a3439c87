"""The archive is whole or not there; the next build clears up after one that was killed."""

import os
import subprocess
import sys
from pathlib import Path

from image.folders import SETTLED
from image.whole import whole

KILLED = """
import os, signal, sys
from pathlib import Path
from image.whole import whole
with whole(Path(sys.argv[1])) as out:
    out.write(b"half an archive")
    out.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""

# One for whose file there is no room, which it hears when it has written all.
FULL = """
import resource, sys
from pathlib import Path
from image.whole import whole
resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))
with whole(Path(sys.argv[1])) as out:
    out.write(b"an archive")
"""


def age(path: Path) -> None:
    """Make it look older than any that is just being made."""
    past = path.stat().st_mtime - SETTLED - 1
    os.utime(path, (past, past))


def write(file: Path, content: bytes) -> None:
    with whole(file) as out:
        out.write(content)


def test_it_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    for content in (b"first", b"second"):
        write(file, content)
        assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_one_that_fails_leaves_the_older_one_and_nothing_else(tmp_path: Path) -> None:
    write(file := tmp_path / "image.tar", b"first")
    done = subprocess.run(
        [sys.executable, "-c", FULL, file], check=False, capture_output=True, text=True
    )
    assert "File too large" in done.stderr
    assert file.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_one_left_goes_with_the_next(tmp_path: Path) -> None:
    file = tmp_path / "image[1].tar"
    subprocess.run([sys.executable, "-c", KILLED, file], check=False)
    (left,) = tmp_path.iterdir()
    assert left.read_bytes() == b"half an archive"
    age(left)
    write(file, b"whole")
    assert list(tmp_path.iterdir()) == [file]


def test_what_one_beside_it_writes_stays(tmp_path: Path) -> None:
    file = tmp_path / "image.tar"
    with whole(file) as out:
        out.write(b"slow")
        out.flush()
        (own,) = tmp_path.iterdir()
        age(own)
        write(file, b"fast")
        assert own.exists()
    assert file.read_bytes() == b"slow"


def test_what_belongs_to_another_file_stays(tmp_path: Path) -> None:
    (other := tmp_path / ".other.tar.1.part").touch()
    age(other)
    write(tmp_path / "image.tar", b"")
    assert other.exists()
