"""Holds up every mark at a known place: after the commit, before the object changes."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Literal

from urllib3.exceptions import HTTPError

from tests.e2e.deploy.installation import delete
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.objects import Collection
from tests.e2e.run.webhooks import on_update
from tests.e2e.waiting import eventually

_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@contextmanager
def slow_marks(
    processings: Collection, then: Literal["Ignore", "Fail"]
) -> Iterator[Callable[[], int]]:
    """While it lasts, every change but of a status waits 10 seconds; `then` it is made or fails.

    The API server asks an admission webhook that takes connections and never says a word. Yields
    what tells how many changes have come to it.
    """
    api, namespace = processings.api, processings.namespace
    path = f"{_WEBHOOKS}/{namespace}"
    canary = f"{processings.path}/{next(iter(processings.all().values()))['metadata']['name']}"
    with ExitStack() as taken, socket.create_server(("127.0.0.1", 0), backlog=128) as mute:
        asked = _Asked(mute, taken)
        client = {"url": f"https://127.0.0.1:{mute.getsockname()[1]}/"}
        options = {"failurePolicy": then, "timeoutSeconds": 10}
        body = on_update(namespace, "slow.example.com", client, **options)
        assert api.send("POST", _WEBHOOKS, body).ok
        try:
            eventually(lambda: _in_force(api, canary, asked))
            before = asked()
            yield lambda: asked() - before
        finally:
            delete(api, path)


def _in_force(api: KubeApi, path: str, asked: Callable[[], int]) -> bool:
    patch = {"metadata": {"labels": {"canary": "1"}}}
    # The server may break the connection off at its timeout.
    with suppress(HTTPError):
        api.merge(path, patch, dryRun="All", timeout="1s")
    return asked() > 0


class _Asked:
    """How often the webhook has been asked: every change comes over a connection of its own."""

    def __init__(self, mute: socket.socket, taken: ExitStack) -> None:
        mute.setblocking(False)
        self._mute, self._taken, self._count = mute, taken, 0

    def __call__(self) -> int:
        with suppress(BlockingIOError):
            while True:
                self._taken.enter_context(self._mute.accept()[0])
                self._count += 1
        return self._count
