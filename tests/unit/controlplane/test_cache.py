"""Where built binaries are kept, and when they have to be built again."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.controlplane.cache import binaries_folder, cache_root
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
