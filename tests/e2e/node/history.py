"""Every state that the pods of a namespace were in, also of those that are gone."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

from tests.e2e.deploy.kube_api import Object

JOB = "batch.kubernetes.io/job-name"
AGAIN = 0.2  # seconds


class PodHistory:
    """Filled by a watch, in a thread of its own."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        """Begins with the pods that are there."""
        load = config.new_client_from_config
        self._api: client.ApiClient = load(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]
        self._namespace = namespace
        self._states: dict[str, list[Object]] = defaultdict(list)
        self._watch: Any = watch.Watch()  # type: ignore[no-untyped-call]
        self._over = False
        self._thread = threading.Thread(target=self._follow, name="pods", daemon=True)
        self._thread.start()

    def of_job(self, job: str) -> list[Object]:
        """The last state of each of its pods, oldest pod first."""
        # One that the watch has just begun is still empty.
        last = [states[-1] for states in list(self._states.values()) if states]
        ours = [pod for pod in last if pod["metadata"]["labels"].get(JOB) == job]
        return sorted(ours, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def close(self) -> None:
        """Watch no more."""
        self._over = True
        self._watch.stop()

    def _follow(self) -> None:
        list_pods = client.CoreV1Api(self._api).list_namespaced_pod
        while not self._over:
            try:
                for event in self._watch.stream(list_pods, self._namespace, timeout_seconds=30):
                    pod = event["raw_object"]
                    if event["type"] != "DELETED":  # its last state was seen before
                        self._states[pod["metadata"]["uid"]].append(pod)
            except (client.ApiException, HTTPError):
                time.sleep(AGAIN)


@contextmanager
def watched(kubeconfig: Path, namespace: str) -> Iterator[PodHistory]:
    """A history for the time of the context."""
    history = PodHistory(kubeconfig, namespace)
    try:
        yield history
    finally:
        history.close()


def ended(pod: Object) -> Object | None:
    """How its container ended (ContainerStateTerminated), if it has."""
    for status in pod["status"].get("containerStatuses", ()):
        if "terminated" in status["state"]:
            return dict(status["state"]["terminated"])
    return None


def exit_codes(pods: list[Object]) -> list[int | None]:
    """The exit code of each; None of one that still runs."""
    ends = [ended(pod) for pod in pods]
    return [None if end is None else int(end["exitCode"]) for end in ends]


def time_of(text: str) -> datetime:
    """A timestamp of the API."""
    return datetime.fromisoformat(text)
