"""What is asked of a cluster before a run's first page, and in which order."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml
from structlog.testing import capture_logs

from archiver.cli import compose
from archiver.cli.compose import Task
from archiver.cli.gate import Inquiry
from archiver.domain.tally import Tally
from archiver.errors import Interrupted
from archiver.settings import Settings
from archiver.shutdown import Shutdown
from tests.unit.kube.stub import Reply, Request, Stub, status

Kubeconfig = Callable[[Stub], str]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Kubeconfig:
    """Writes a kubeconfig of a stub."""

    def write(stub: Stub) -> str:
        named = {"name": "stub"}
        content = {
            "clusters": [named | {"cluster": {"server": stub.url}}],
            "users": [named | {"user": {}}],
            "contexts": [named | {"context": {"cluster": "stub", "user": "stub"}}],
            "current-context": "stub",
        }
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return write


@pytest.fixture
def stub() -> Iterator[Callable[[Reply], Stub]]:
    with ExitStack() as stack:
        yield lambda reply: stack.enter_context(closing(Stub([reply])))


class Held(Stub):
    """Serves the resource, and keeps what is asked about the guard until `released`."""

    def __init__(self) -> None:
        verbs = ["list", "patch"]
        name = "remediationprocessings"
        served = {"name": name, "kind": "RemediationProcessing", "namespaced": True, "verbs": verbs}
        body = {"versions": [{"version": "v1"}], "resources": [served]}
        super().__init__([Reply(200, body)])
        self.released = threading.Event()
        self.in_time: list[bool] = []

    def next_reply(self, request: Request) -> Reply | None:
        if "admissionregistration" not in request.path:
            return super().next_reply(request)
        self.in_time.append(self.released.wait(10))
        return status(403, "no right")


def test_nothing_waits_for_what_is_asked_about_the_guard(kubeconfig: Kubeconfig) -> None:
    with closing(Held()) as held:
        settings = Settings(kubeconfig=kubeconfig(held))
        tally, inquiry = Tally(), Inquiry()
        over = Shutdown(deadline=60, grace=0)
        compose._cluster(settings, Task("run"), over, tally, inquiry=inquiry)
        held.released.set()
        with capture_logs() as logs:
            assert inquiry.end() == "unknown"
    assert held.in_time == [True]
    assert [(line["event"], line["gate"]) for line in logs] == [("gate.off", "unknown")]
    assert "no right" in logs[0]["why"]


@pytest.mark.parametrize("dry_run", ["none", "client"])
def test_the_gate_is_asked_for_once_the_server_has_answered(
    stub: Callable[[Reply], Stub], kubeconfig: Kubeconfig, dry_run: str
) -> None:
    away = stub(status(503, "not now"))
    settings = Settings(kubeconfig=kubeconfig(away))
    tally = Tally()
    # A run whose time is up with its first request: else that would be repeated for a minute.
    over = Shutdown(deadline=0.5, grace=0, clock=lambda: float(len(away.requests)))
    with pytest.raises(Interrupted):
        compose._cluster(settings, Task("run", dry_run), over, tally, inquiry=Inquiry())
    assert [r.path for r in away.requests] == ["/apis/remediationprocessing.kubernaut.io"]
    assert tally.gate == "unknown"
