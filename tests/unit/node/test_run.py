"""What is said before anything is built or started for a command."""

import pytest

from tests.node import __main__ as node


def test_a_command_that_is_not_there_is_told_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[str] = []
    monkeypatch.setattr(node, "check_needs", lambda **_: None)  # which only Linux and root have
    monkeypatch.setattr(node, "find_binaries", built.append)
    assert node.main(["run", "--", "no-such-command", "argument"]) == 1
    assert capsys.readouterr().err == "there is no program no-such-command to run on the cluster\n"
    assert built == []
