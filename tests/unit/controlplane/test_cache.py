"""Where built binaries are kept, and when they have to be built again."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane.cache import binaries_folder, cache_root, only_one
from tests.controlplane.versions import GO_MODULE, Version, current_version


@pytest.mark.parametrize("ignored", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_the_home_folder_keeps_it_by_default(ignored: dict[str, str]) -> None:
    assert cache_root(ignored).is_relative_to(Path.home() / ".cache")


def test_the_xdg_variable_moves_it() -> None:
    root = cache_root({"XDG_CACHE_HOME": "/elsewhere"})
    assert root == Path("/elsewhere/kubernaut-archiver/controlplane")


@pytest.fixture
def copy(tmp_path: Path) -> Version:
    """The current version, pinned by files that may be changed."""
    version = current_version()
    module = shutil.copytree(GO_MODULE, tmp_path / "go")
    return replace(version, modfile=module / version.minor / "go.mod")


def test_the_same_module_has_the_same_folder_wherever_it_is(copy: Version) -> None:
    folder = binaries_folder(current_version(), {})
    assert binaries_folder(copy, {}) == folder
    assert folder.name.startswith(f"{current_version().release}-")


@pytest.mark.parametrize("file", ["1.X/go.mod", "1.X/go.sum", "etcd/main.go"])
def test_a_change_of_any_file_of_the_module_has_a_new_folder(copy: Version, file: str) -> None:
    before = binaries_folder(copy, {})
    changed = copy.modfile.parent.parent / file.replace("1.X", copy.minor)
    changed.write_text(changed.read_text() + "\n// changed\n")
    assert binaries_folder(copy, {}) != before


def test_a_second_process_waits_for_the_first(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "1.37.2-abc"
    program = (
        "from pathlib import Path; from tests.controlplane.cache import only_one\n"
        f"with only_one(Path({str(folder)!r})): print('mine')"
    )
    with only_one(folder):
        second = subprocess.Popen([sys.executable, "-c", program])
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(1)
    assert second.wait(30) == 0
    output = capfd.readouterr()
    assert output.out == "mine\n"
    assert "waiting" in output.err
