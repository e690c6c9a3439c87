"""A machine that cannot run a node says what it lacks."""

import os
import sys
import tempfile

import pytest

from tests.node.__main__ import main
from tests.node.errors import NodeError
from tests.node.needs import check_needs


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
    for lacking in ("it needs root", "unshare", "set TMPDIR"):
        assert lacking in str(refused.value)


def test_the_command_exits_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["needs"]) == 1
    assert "make e2e-kind" in capsys.readouterr().err
