"""A machine that cannot run a node says what it lacks."""

import os
import platform
import sys
import tempfile
from pathlib import Path

import pytest

from image.distribution import require
from tests.node import cgroups, needs
from tests.node.__main__ import main
from tests.node.errors import NodeError
from tests.node.needs import (
    _forbidden,
    _missing,
    _not_to_be_had,
    _out_of_reach,
    check_needs,
)


def test_another_system_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NodeError, match=r"it needs Linux .* this is darwin"):
        check_needs()


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/var/tmp")  # noqa: S108 - not written to
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NodeError) as refused:
        check_needs()
    for lacking in ("it needs root", "unshare", "mount", "true", "set TMPDIR"):
        assert lacking in str(refused.value)


def test_a_folder_is_too_long_for_the_sockets_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: f"/{'a' * 43}")
    with pytest.raises(NodeError, match=r"has 44 characters: set TMPDIR to one of at most 43"):
        check_needs()


def test_a_folder_of_the_longest_path_is_none_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: f"/{'a' * 42}")
    assert not any("characters" in line for line in _missing())


@pytest.mark.parametrize("odd", [" ", ",", "é", "'", '"', "\\", ":", "$", "\n"])
def test_a_folder_has_a_plain_path(monkeypatch: pytest.MonkeyPatch, odd: str) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: f"/a{odd}b")
    with pytest.raises(NodeError, match="set TMPDIR to a path of letters"):
        check_needs()


def test_what_root_is_refused_is_found_out_by_trying(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2; exit 1\n")
    unshare.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(cgroups, "hierarchies", lambda: [tmp_path / "read-only"])
    refused = _forbidden()
    assert "CAP_SYS_ADMIN): unshare failed" in refused[0]
    assert "cgroups: [Errno 2]" in refused[1]


def test_controllers_that_a_container_cannot_hand_on_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cgroups, "not_handed_on", lambda: ["cpu", "memory"])
    monkeypatch.setattr(cgroups, "cannot_be_handed_on", lambda: True)
    assert "controllers cpu, memory, and" in _forbidden()[-1]
    assert "--cgroupns=host" in _forbidden()[-1]


@pytest.mark.parametrize("covered", ["/run/x", "/dev/shm/x"])  # noqa: S108 - not written to
def test_what_a_node_is_started_from_is_not_where_it_covers(
    monkeypatch: pytest.MonkeyPatch, covered: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", covered)
    (said,) = _out_of_reach()
    assert said.startswith(f"the cache (XDG_CACHE_HOME) cannot be in {covered}")


def test_below_var_what_is_of_its_file_system_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/not-there/yet")
    assert _out_of_reach() == []
    # As of a volume that is mounted there.
    monkeypatch.setattr(needs, "VAR", Path("/proc"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/sys")
    assert _out_of_reach() == []
    monkeypatch.setattr(needs, "VAR", Path("/"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")
    assert "cannot be in /proc" in " ".join(_out_of_reach())


def test_another_distribution_is_told_what_it_has_to_bring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "os-release").write_text('PRETTY_NAME="Fedora Linux 43"\nID=fedora\n')
    monkeypatch.setattr(require, "__defaults__", (tmp_path / "os-release",))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    programs, image = _not_to_be_had(build_image=True)
    assert "containerd" in programs
    assert "Debian or Ubuntu" in programs
    assert "Debian 12 (bookworm), and this machine is Fedora Linux 43" in image
    assert "IMAGE=" in image


def has_apt_alone(folder: Path, monkeypatch: pytest.MonkeyPatch, os_release: str) -> None:
    """A machine of that system, whose only program is apt-get."""
    (folder / "os-release").write_text(os_release)
    monkeypatch.setattr(require, "__defaults__", (folder / "os-release",))
    (folder / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def test_an_image_that_is_there_needs_no_distribution(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    has_apt_alone(tmp_path, monkeypatch, "ID=ubuntu\nVERSION_CODENAME=noble\n")
    assert _not_to_be_had(build_image=False) == []


def test_an_image_that_is_to_be_built_needs_the_programs_of_its_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    has_apt_alone(tmp_path, monkeypatch, "ID=debian\nVERSION_CODENAME=bookworm\n")
    (image,) = _not_to_be_had(build_image=True)
    assert "setpriv (package util-linux)" in image
    assert "IMAGE=" in image


def test_the_command_exits_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["needs"]) == 1
    assert "make e2e-kind" in capsys.readouterr().err
