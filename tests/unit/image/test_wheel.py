"""The wheel has what the commit has, whatever else lies in the folder."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from image import environment
from image.environment import PROJECT, build_wheel
from image.errors import ImageError

# By somebody who tries things out, with settings of their own, and by an editor.
STRANGERS = (
    "archiver/.env", "archiver/notes.txt", "archiver/kube/dump.json", "archiver/db/.old/copy.py",
    "archiver/log.py.orig", "archiver/build/lib.py", "archiver/.log.py.swp",
)  # fmt: skip

# Seconds: in the year 2108, where hatchling fails when it has begun the file.
BEYOND_ZIP = 4_354_819_200


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as git has it, as far as wheels are made of it."""
    for name in (*tracked("archiver"), "pyproject.toml", "README.md", ".gitignore"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    monkeypatch.setattr(environment, "PROJECT", tmp_path)
    return tmp_path


def tracked(folder: str) -> list[str]:
    """As git has it; sources that came without git have no strangers among them."""
    if not (PROJECT / ".git").exists():
        files = (path for path in (PROJECT / folder).rglob("*") if path.is_file())
        names = (path.relative_to(PROJECT) for path in files)
        return sorted(str(name) for name in names if "__pycache__" not in name.parts)
    listing = ["git", "ls-files", folder]
    done = subprocess.run(listing, cwd=PROJECT, capture_output=True, text=True, check=True)
    return sorted(done.stdout.splitlines())


def packed(folder: Path) -> list[str]:
    """What is in the wheel beside the words about it."""
    with zipfile.ZipFile(build_wheel(folder, 1_700_000_000)) as wheel:
        return sorted(name for name in wheel.namelist() if ".dist-info/" not in name)


def test_all_of_the_package_is_in_it(copy: Path, tmp_path: Path) -> None:
    assert packed(tmp_path / "dist") == tracked("archiver")


@pytest.mark.parametrize("ignore", ["there", "not there"])  # as in Docker's context
def test_nothing_is_in_it_that_only_lies_beside(copy: Path, tmp_path: Path, ignore: str) -> None:
    strangers = list(STRANGERS)
    if ignore == "not there":
        (copy / ".gitignore").unlink()
        strangers.remove("archiver/build/lib.py")  # .dockerignore: see below
    for name in strangers:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("PGPASSWORD=secret\n")
    assert packed(tmp_path / "dist") == tracked("archiver")


def test_what_a_build_that_fails_leaves_is_in_its_own_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the wheel cannot be built"):
        build_wheel(tmp_path / "new", BEYOND_ZIP)
    # hatchling takes half a wheel for nobody's; whoever made the folder deletes it.
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".whl"]


def test_docker_is_shown_no_file_that_git_ignores() -> None:
    shown = (PROJECT / ".dockerignore").read_text().splitlines()
    ignored = (PROJECT / ".gitignore").read_text().split()
    patterns = {"**/.*" if name[0] == "." else f"**/{name.rstrip('/')}" for name in ignored}
    assert patterns <= set(shown)
    # The last pattern that matches counts.
    last_exception = max(i for i, line in enumerate(shown) if line.startswith("!"))
    assert all(shown.index(pattern) > last_exception for pattern in patterns)
