"""kubectl as the tests call it."""

from pathlib import Path

from tests.node.kubectl import Kubectl


def test_what_it_learns_stays_out_of_the_folders_of_others(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    said = Kubectl(program, tmp_path / "their/config", tmp_path / "ours")("get", "nodes")
    kubeconfig, cache = tmp_path / "their/config", tmp_path / "ours"
    options = [f"--kubeconfig={kubeconfig}", f"--cache-dir={cache}"]
    assert said.splitlines() == [*options, "get", "nodes"]
