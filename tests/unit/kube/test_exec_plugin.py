"""Exec plugins: asked once, asked again where they fail, ended where they hang."""

import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from archiver.errors import Configuration, Interrupted, Unavailable
from archiver.kube import Network, connect, exec_plugin, patience
from archiver.kube.credentials import load
from archiver.kube.exec_plugin import Asking
from archiver.kube.patience import Budget
from tests.unit.kube.conftest import VirtualTime
from tests.unit.kube.stub import QUICK, Reply, Stub, status
from tests.unit.kube.test_credentials import SECRET, kubeconfig, token_of
from tests.unit.processes import is_running

VERSION = "client.authentication.k8s.io/v1"
ONCE = Asking(Budget(total=0.0))
AGAIN = Asking(Budget(total=1.0, factor=0.1, longest=1.0, jitter=0.0))


def credential(version: str = VERSION, kind: str = "ExecCredential", **fields: Any) -> str:
    return json.dumps({"apiVersion": version, "kind": kind, "status": fields})


class Plugin:
    """A program and the kubeconfig that names it; it notes each time that it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "plugin"
        self.calls = folder / "calls"
        self.calls.write_text("")

    def says(self, output: str) -> None:
        self.does(f"cat <<'EOF'\n{output}\nEOF\n")

    def does(self, script: str) -> None:
        self.program.write_text(f"#!/bin/sh\necho asked >> {self.calls}\n{script}\n")
        self.program.chmod(0o755)

    @property
    def asked(self) -> int:
        return len(self.calls.read_text().splitlines())

    def kubeconfig(self, server: str = "http://a", **more: Any) -> str:
        config = {"apiVersion": VERSION, "command": str(self.program), "interactiveMode": "Never"}
        return str(kubeconfig(self.folder / "k", server, exec=config | more))


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    """Pauses between attempts take no time, and attempts none of the budget."""
    clock = VirtualTime()
    monkeypatch.setattr(patience, "time", clock)
    monkeypatch.setattr(exec_plugin, "time", clock)
    return clock


class Ending:
    """A run that is asked to end once `after` has held."""

    def __init__(self, after: Callable[[], bool]) -> None:
        self.requested = self.expired = after


def test_it_is_asked_once_however_soon_its_token_expires(
    plugin: Plugin, stub: Callable[..., Stub]
) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    plugin.says(credential(token="one", expirationTimestamp=soon))
    server = stub(Reply(200, b"{}"))
    with closing(connect(kubeconfig=plugin.kubeconfig(server.url))) as client:
        assert client.get("/x").status == 200
    assert server.requests[0].headers["Authorization"] == "Bearer one"
    assert plugin.asked == 1


def test_it_is_asked_again_where_its_token_is_refused(
    plugin: Plugin, stub: Callable[..., Stub]
) -> None:
    plugin.does(f"test $(wc -l < {plugin.calls}) = 1 && token=old || token=new")
    script = plugin.program.read_text()
    answer = credential(token="$token").replace('"', '\\"')
    plugin.program.write_text(f'{script}echo "{answer}"\n')
    server = stub(status(401), Reply(200, b"{}"))
    with closing(connect(kubeconfig=plugin.kubeconfig(server.url))) as client:
        assert client.get("/x").status == 200
    tokens = [request.headers["Authorization"] for request in server.requests]
    assert tokens == ["Bearer old", "Bearer new"]
    assert plugin.asked == 2


def test_a_certificate_and_its_key(plugin: Plugin) -> None:
    pair = {"clientCertificateData": "certificate", "clientKeyData": "key"}
    plugin.says(credential(**pair))
    configuration = load(plugin.kubeconfig("https://a"), None)
    assert (configuration.client_certificate, configuration.client_key) == (b"certificate", b"key")


def test_one_that_fails_once_is_asked_again(plugin: Plugin) -> None:
    answer = credential(token="one")
    plugin.does(f"test $(wc -l < {plugin.calls}) -gt 1 || exit 3\necho '{answer}'")
    with capture_logs() as logs:
        assert token_of(load(plugin.kubeconfig(), None, AGAIN)) == "Bearer one"
    assert plugin.asked == 2
    assert [(e["event"], e["attempt"]) for e in logs] == [("request.repeated", 2)]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'the vault is sealed' >&2; echo more >&2; exit 3", "3: the vault is sealed"),
        ("kill -9 $$", "ended with -9"),
        ("exit 0", "gave no ExecCredential"),
        (f"echo '{SECRET}'", "gave no ExecCredential"),
        (rf"printf '{credential(token='@')}' | sed 's/@/\xff/'", "gave no ExecCredential"),
        (f"echo '{credential()}'", "gave no credentials"),
        (f"echo '{credential(token='')}'", "gave no credentials"),
        (f"echo '{credential(clientCertificateData='x')}'", "gave no credentials"),
    ],
)
def test_one_that_goes_on_failing_is_a_matter_of_time(
    plugin: Plugin, script: str, why: str
) -> None:
    plugin.does(script)
    with pytest.raises(Unavailable, match=why) as raised:
        load(plugin.kubeconfig(), None, AGAIN)
    assert SECRET not in str(raised.value)
    assert str(plugin.program) in str(raised.value)
    assert plugin.asked > 1


def test_one_that_is_missing_or_no_program_is_a_wrong_configuration(plugin: Plugin) -> None:
    hint = "get it from the platform team"
    with pytest.raises(Configuration, match=rf"No such file or directory\. {hint}"):
        load(plugin.kubeconfig(installHint=hint), None, AGAIN)
    with pytest.raises(Configuration, match="exec plugin no-such-plugin: No such file"):
        load(plugin.kubeconfig(command="no-such-plugin"), None, AGAIN)
    plugin.says(credential(token="one"))
    plugin.program.chmod(0o644)
    with pytest.raises(Configuration, match="Permission denied"):
        load(plugin.kubeconfig(), None, AGAIN)
    plugin.program.write_text("neither a script nor a binary")
    plugin.program.chmod(0o755)
    with pytest.raises(Configuration, match="Exec format error"):
        load(plugin.kubeconfig(), None, AGAIN)


def test_one_that_is_being_replaced_is_a_matter_of_time(plugin: Plugin) -> None:
    plugin.says(credential(token="one"))
    with plugin.program.open("ab"), pytest.raises(Unavailable, match="Text file busy"):
        load(plugin.kubeconfig(), None, ONCE)


@pytest.mark.parametrize(
    "answer", [credential(f"{VERSION}beta1", token="x"), credential(kind="Secret", token="x")]
)
def test_one_that_speaks_another_version_is_a_wrong_configuration(
    plugin: Plugin, answer: str
) -> None:
    plugin.says(answer)
    with pytest.raises(Configuration, match=r"was asked for ExecCredential of .*/v1 and gave"):
        load(plugin.kubeconfig(), None, AGAIN)
    assert plugin.asked == 1


def test_one_that_hangs_ends_with_the_run_and_so_do_its_children(plugin: Plugin) -> None:
    pid = plugin.folder / "pid"
    plugin.does(f"sleep 1000 & echo $! > {pid}.new && mv {pid}.new {pid}; wait")
    with pytest.raises(Interrupted, match="had given no credentials when the run was to end"):
        connect(kubeconfig=plugin.kubeconfig(), stop=Ending(pid.exists))
    child = int(pid.read_text())
    for _ in range(1000):  # a signal takes its time
        if not is_running(child):
            return
        threading.Event().wait(0.02)
    pytest.fail("its child goes on")


def test_the_end_of_the_run_is_not_waited_for_between_attempts(plugin: Plugin) -> None:
    plugin.does("exit 3")
    for_ever = Network(budget=Budget(total=1e9, factor=1e6, longest=1e6))
    with pytest.raises(Interrupted):
        connect(
            kubeconfig=plugin.kubeconfig(),
            network=for_ever,
            stop=Ending(lambda: plugin.asked > 1),
        )


def test_what_it_waits_for_is_said(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_plugin, "_SLOW", 0.0)
    plugin.does(f"while ! test -e {plugin.folder}/go; do sleep 0.01; done")
    with capture_logs() as logs, pytest.raises(Interrupted):
        load(plugin.kubeconfig(), None, Asking(QUICK, lambda: bool(logs)))
    assert [(e["event"], e["plugin"]) for e in logs] == [("credentials.slow", str(plugin.program))]


def test_what_it_is_told(plugin: Plugin) -> None:
    told = plugin.folder / "told"
    plugin.does(f"echo \"$1 $MORE $KUBERNETES_EXEC_INFO\" > {told}\necho '{credential(token='t')}'")
    environment = [{"name": "MORE", "value": "set"}]
    load(plugin.kubeconfig(args=["--flag"], env=environment), None)
    flag, more, info = told.read_text().split(" ", 2)
    assert (flag, more) == ("--flag", "set")
    spec = {"interactive": False}
    assert json.loads(info) == {"apiVersion": VERSION, "kind": "ExecCredential", "spec": spec}


def test_what_it_is_told_of_the_cluster(plugin: Plugin) -> None:
    told = plugin.folder / "told"
    plugin.does(f"echo \"$KUBERNETES_EXEC_INFO\" > {told}\necho '{credential(token='t')}'")
    path = Path(plugin.kubeconfig("https://a", provideClusterInfo=True))
    (plugin.folder / "ca.pem").write_text("authority")
    config = json.loads(path.read_text())
    given = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    extensions = [{"name": "other", "extension": {}}, given]
    config["clusters"][0]["cluster"] |= {
        "certificate-authority": "ca.pem",
        "extensions": extensions,
    }
    path.write_text(json.dumps(config))
    load(str(path), None)
    assert json.loads(told.read_text())["spec"]["cluster"] == {
        "server": "https://a/one",
        "certificate-authority-data": "YXV0aG9yaXR5",
        "config": {"audience": "x"},
    }


def test_a_relative_command_is_one_beside_the_kubeconfig(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.says(credential(token="one"))
    monkeypatch.chdir("/")
    assert token_of(load(plugin.kubeconfig(command="./plugin"), None, ONCE)) == "Bearer one"
    monkeypatch.setenv("PATH", str(plugin.folder) + os.pathsep + os.environ["PATH"])
    assert token_of(load(plugin.kubeconfig(command="plugin"), None, ONCE)) == "Bearer one"


def test_one_that_wants_to_ask_a_person_needs_a_terminal(plugin: Plugin) -> None:
    plugin.says(credential(token="one"))
    with pytest.raises(Configuration, match="wants to ask a person, and there is no terminal"):
        load(plugin.kubeconfig(interactiveMode="Always"), None, AGAIN)
    assert token_of(load(plugin.kubeconfig(interactiveMode="IfAvailable"), None)) == "Bearer one"


class Terminal:
    def isatty(self) -> bool:
        return True


def test_one_that_may_ask_a_person_is_told_so_and_ends_with_the_run(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    told = plugin.folder / "told"
    plugin.does(f'echo "$KUBERNETES_EXEC_INFO" > {told}.new; mv {told}.new {told}; exec sleep 1000')
    path = plugin.kubeconfig(interactiveMode="Always")
    with pytest.raises(Interrupted):
        load(path, None, Asking(QUICK, told.exists))
    assert json.loads(told.read_text())["spec"] == {"interactive": True}


def test_a_token_that_is_there_comes_first(plugin: Plugin) -> None:
    plugin.says(credential(token="one"))
    path = Path(plugin.kubeconfig())
    config = json.loads(path.read_text())
    config["users"][0]["user"]["token"] = "there"
    path.write_text(json.dumps(config))
    assert token_of(load(str(path), None)) == "Bearer there"
    assert plugin.asked == 0


@pytest.mark.parametrize("config", [{}, {"command": 7}, {"command": "x", "env": [7]}, 7])
def test_what_is_no_plugin_is_a_wrong_configuration(plugin: Plugin, config: Any) -> None:
    path = kubeconfig(plugin.folder / "k", exec=config)
    with pytest.raises(Configuration):
        load(str(path), None, AGAIN)
