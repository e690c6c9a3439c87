"""What `make cluster` tells a person."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.controlplane.__main__ import introduce
from tests.controlplane.controlplane import ControlPlane

# It keeps what it learns as kubectl does.
KUBECTL = """#!/bin/sh
mkdir -p "${KUBECACHEDIR:-$HOME/.kube/cache}/discovery"
echo $KUBECONFIG "$@"
"""


def test_what_kubectl_learns_goes_with_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("home", "bin", "cluster"):
        (tmp_path / name).mkdir()
    (kubectl := tmp_path / "bin" / "kubectl").write_text(KUBECTL)
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "cluster"
    told = SimpleNamespace(
        version="1.37.2", server="https://127.0.0.1:1", workdir=folder,
        kubeconfig=folder / "kubeconfig", processes=list,
    )  # fmt: skip
    introduce(cast("ControlPlane", told))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    pasted = "\n".join(line for line in lines if "archiver run" not in line)
    done = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True)
    assert done.stdout == f"{folder / 'kubeconfig'} get namespaces\n"
    assert list((tmp_path / "home").iterdir()) == []
    assert [path.name for path in folder.rglob("*")] == ["kubectl-cache", "discovery"]
