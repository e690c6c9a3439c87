"""What is asked of a cluster before a run's first page, and in which order."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml

from archiver.cli import compose
from archiver.cli.compose import Task
from archiver.domain.tally import Tally
from archiver.errors import Interrupted
from archiver.settings import Settings
from archiver.shutdown import Shutdown
from tests.unit.kube.stub import Reply, Stub, status

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
        compose._cluster(settings, Task("run", dry_run), over, tally)
    assert [r.path for r in away.requests] == ["/apis/remediationprocessing.kubernaut.io"]
    assert tally.gate == "unknown"
