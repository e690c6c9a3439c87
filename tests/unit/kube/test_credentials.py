"""Whose cluster, whose credentials."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from kubernetes.config import incluster_config

from archiver.errors import Configuration
from archiver.kube import connect
from archiver.kube.credentials import load
from archiver.kube.login import Login, Network

SECRET = "s3cr3t-token"


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def kubeconfig(path: Path, server: str = "http://a", **user: Any) -> Path:
    names = ["one", "two"]
    config = {
        "current-context": "one",
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
        "clusters": [{"name": n, "cluster": {"server": f"{server}/{n}"}} for n in names],
        "users": [{"name": n, "user": user or {"token": f"{SECRET}-{n}"}} for n in names],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def token_of(configuration: Any) -> str:
    return str(configuration.auth_settings()["BearerToken"]["value"])


def test_the_kubeconfig_that_is_named_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = kubeconfig(tmp_path / "named")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "environment", "http://b")))
    kubeconfig(tmp_path / "home/.kube/config", "http://c")
    assert load(str(named), None).host == "http://a/one"
    assert load(str(named), "two").host == "http://a/two"
    assert load(None, None).host == "http://b/one"
    monkeypatch.delenv("KUBECONFIG")
    assert load(None, None).host == "http://c/one"
    assert load(None, "two").host == "http://c/two"


def test_the_environment_may_name_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kubeconfig(tmp_path / "first")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "missing"), str(first)]))
    assert token_of(load(None, None)) == f"Bearer {SECRET}-one"


def in_a_pod(monkeypatch: pytest.MonkeyPatch, folder: Path, token: str) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (folder / "token").write_text(token)
    (folder / "ca.crt").write_text("certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(folder / "ca.crt"))


def test_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_pod(monkeypatch, tmp_path, f"{SECRET}\n")
    configuration = load(None, None)
    assert configuration.host == "https://[fd00::1]:443"
    assert configuration.ssl_ca_cert == str(tmp_path / "ca.crt")
    # The line break of the file is not part of the header.
    assert f"Authorization: bearer {SECRET}" in Login(configuration, Network()).headers()
    (tmp_path / "token").write_text("later")
    assert token_of(load(None, None)) == "bearer later"


def test_nothing_is_found() -> None:
    with pytest.raises(Configuration, match="give --kubeconfig, set KUBECONFIG"):
        connect()
    with pytest.raises(Configuration, match="--context x is given, but there is no kubeconfig"):
        connect(context="x")


def test_a_kubeconfig_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Configuration, match="nowhere does not exist"):
        load(str(tmp_path / "nowhere"), None)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    in_a_pod(monkeypatch, tmp_path, "token")
    with pytest.raises(Configuration, match="nowhere does not exist"):
        load(None, None)


def test_a_context_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Configuration, match="name three in"):
        load(str(kubeconfig(tmp_path / "k")), "three")


def test_a_kubeconfig_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Configuration, match="Is a directory"):
        load(str(tmp_path / "folder"), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[]",
        "users: 7",
        '{"contexts":[{"name":"c","context":"x"}],"current-context":"c"}',
        f"users:\n- token: {SECRET}\n  x: [",
        f"a: b\n{SECRET}: {SECRET}: {SECRET}",
        f'{{"users":[{{"name":"u","token":"{SECRET}"}}],"clusters":[],'
        '"contexts":[{"name":"c","context":{"user":"u"}}],"current-context":"c"}',
        f'{{"users":[{{"token":"{SECRET}"}}],"clusters":[],'
        '"contexts":[{"name":"c","context":{"user":"u","cluster":"c"}}],"current-context":"c"}',
    ],
)
def test_a_kubeconfig_that_is_none_is_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    with pytest.raises(Configuration) as raised:
        load(str(path), None)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("text", ["just a note", "7", "[]", "users: 7"])
def test_a_file_that_is_no_kubeconfig_is_called_that(tmp_path: Path, text: str) -> None:
    (tmp_path / "k").write_text(text)
    with pytest.raises(Configuration, match="/k is no kubeconfig: a mapping of clusters, contexts"):
        load(str(tmp_path / "k"), None)


def test_somebody_else_is_not_impersonated_in_silence(tmp_path: Path) -> None:
    for key in ("as", "as-groups", "as-uid"):
        with pytest.raises(Configuration, match="impersonates"):
            load(str(kubeconfig(tmp_path / "k", **{key: "x"})), None)


def test_a_user_may_be_left_out(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "k")
    config = json.loads(path.read_text())
    del config["users"]
    path.write_text(json.dumps(config))
    assert "Authorization" not in str(Login(load(str(path), None), Network()).headers())
    assert connect(kubeconfig=str(path)).server == "http://a/one"
