"""Where the servers come from."""

from pathlib import Path

import pytest

from tests.controlplane import binaries
from tests.controlplane.binaries import controller_manager_minor, find_binaries
from tests.controlplane.errors import BinaryMissing
from tests.controlplane.versions import Version, current_version, known_versions

CACHE = Path("/cache")
CURRENT = current_version()
OLDER = next(iter(known_versions().values()))


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked to be built, in place of minutes of compiling."""
    asked: list[str] = []

    def build(name: str, version: Version) -> Path:
        asked.append(name)
        return CACHE / version.release / name

    monkeypatch.setattr(binaries, "build", build)
    return asked


def assets(folder: Path, *names: str, release: str) -> dict[str, str]:
    """An environment whose KUBEBUILDER_ASSETS has these programs; each prints a version."""
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho 'Kubernetes v{release}'\n")
        (folder / name).chmod(0o755)
    return {"KUBEBUILDER_ASSETS": str(folder)}


def test_without_assets_all_three_are_built(built: list[str]) -> None:
    found = find_binaries(None, {})
    assert found.release == CURRENT.release
    assert found.kube_apiserver == CACHE / CURRENT.release / "kube-apiserver"
    assert built == ["etcd", "kube-apiserver", "kube-controller-manager"]


def test_the_variable_chooses_the_release() -> None:
    assert find_binaries(None, {"KUBERNETES_VERSION": OLDER.minor}).release == OLDER.release


def test_complete_assets_are_used_as_they_are(tmp_path: Path, built: list[str]) -> None:
    names = ("etcd", "kube-apiserver", "kube-controller-manager")
    found = find_binaries(None, assets(tmp_path, *names, release="1.30.4"))
    assert found.release == "1.30.4"
    assert found.kube_controller_manager == tmp_path / "kube-controller-manager"
    assert built == []


def test_only_what_envtest_lacks_is_built(tmp_path: Path, built: list[str]) -> None:
    environ = assets(tmp_path, "etcd", "kube-apiserver", release=CURRENT.release)
    found = find_binaries(None, environ)
    assert found.etcd == tmp_path / "etcd"
    assert found.kube_controller_manager == CACHE / CURRENT.release / "kube-controller-manager"
    assert built == ["kube-controller-manager"]


def test_assets_of_another_minor_than_the_one_asked_for_are_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = assets(tmp_path, "etcd", "kube-apiserver", release=CURRENT.release)
    assert find_binaries(OLDER.minor, environ).etcd == CACHE / OLDER.release / "etcd"
    assert "not used" in capsys.readouterr().err


@pytest.mark.parametrize("names", [[], ["etcd"], ["kube-apiserver"]])
def test_incomplete_assets_are_an_error_that_says_what_to_do(
    tmp_path: Path, names: list[str]
) -> None:
    with pytest.raises(BinaryMissing, match="Unset it"):
        find_binaries(None, assets(tmp_path, *names, release=CURRENT.release))


def test_assets_that_do_not_run_are_an_error(tmp_path: Path) -> None:
    environ = assets(tmp_path, "etcd", "kube-apiserver", release="is unknown")
    with pytest.raises(BinaryMissing, match="--version"):
        find_binaries(None, environ)


def test_a_controller_manager_may_be_one_minor_older_and_never_newer() -> None:
    major, minor = OLDER.minor.split(".")
    assert controller_manager_minor(OLDER.minor) == OLDER.minor
    assert controller_manager_minor(f"{major}.{int(minor) + 1}") == OLDER.minor
    with pytest.raises(BinaryMissing, match="Put that release's binary"):
        controller_manager_minor(f"{major}.{int(minor) - 1}")
