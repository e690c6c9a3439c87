"""Holds up every mark at a known place: after the commit, before the object changes."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from urllib3.exceptions import HTTPError

from tests.e2e.deploy.installation import delete
from tests.e2e.deploy.kube_api import KubeApi
from tests.e2e.run.objects import Collection
from tests.e2e.run.webhooks import on_update
from tests.e2e.waiting import eventually

_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@contextmanager
def slow_marks(processings: Collection, then: Literal["Ignore", "Fail"]) -> Iterator[None]:
    """While it lasts, every change but of a status waits 10 seconds; `then` it is made or fails.

    The API server asks an admission webhook that takes connections and never says a word.
    """
    api, namespace = processings.api, processings.namespace
    path = f"{_WEBHOOKS}/{namespace}"
    canary = f"{processings.path}/{next(iter(processings.all().values()))['metadata']['name']}"
    with socket.create_server(("127.0.0.1", 0), backlog=128) as mute:
        client = {"url": f"https://127.0.0.1:{mute.getsockname()[1]}/"}
        options = {"failurePolicy": then, "timeoutSeconds": 10}
        body = on_update(namespace, "slow.example.com", client, **options)
        assert api.send("POST", _WEBHOOKS, body).ok
        try:
            eventually(lambda: _in_force(api, canary, mute))
            yield
        finally:
            delete(api, path)


def _in_force(api: KubeApi, path: str, mute: socket.socket) -> bool:
    patch = {"metadata": {"labels": {"canary": "1"}}}
    # The server may break the connection off at its timeout.
    with suppress(HTTPError):
        api.merge(path, patch, dryRun="All", timeout="1s")
    return bool(select.select([mute], [], [], 0)[0])
