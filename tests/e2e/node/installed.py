"""What `kubectl apply -k` installed, and Jobs made from it, as an SRE makes and reads them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.deploy.kube_api import Object
from tests.e2e.node.history import JOB, PodHistory, ended, exit_codes
from tests.e2e.waiting import eventually
from tests.manifests import NAMESPACE
from tests.node.kubectl import Kubectl
from tests.node.postgresql import Archive

# kubectl's words where no API server was reached, or one that is not ready: it forbids everything
# as long as it has not read the roles.
_NO_ANSWER = re.compile(
    "refused|reset|EOF|Unable to connect|TLS handshake|Timeout|unavailable|Forbidden"
)
PYTHON = "/usr/bin/python3.11"  # the image has no shell
LIMIT = 120.0  # seconds for a Job, with its tries


@dataclass(frozen=True, slots=True)
class Change:
    """What a Job has otherwise than the CronJob's template: a few fields, for the test's sake."""

    environment: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    deadline: int | None = None  # seconds
    token_lifetime: int | None = None  # seconds

    def apply(self, job: Object) -> Object:
        """Write it into a Job."""
        container = job["spec"]["template"]["spec"]["containers"][0]
        variables = [{"name": name, "value": value} for name, value in self.environment.items()]
        container["env"] = [*container["env"], *variables]
        if self.memory:
            container["resources"]["limits"]["memory"] = self.memory
            container["resources"]["requests"]["memory"] = self.memory
        if self.deadline:
            job["spec"]["activeDeadlineSeconds"] = self.deadline
        if self.token_lifetime:
            _token_of(job)["expirationSeconds"] = self.token_lifetime
        return job


def _lines(log: str) -> list[Object]:
    """Those that are events or documents, the last one first."""
    return [json.loads(line) for line in reversed(log.splitlines()) if line.startswith('{"')]


def _finished(log: str) -> Object:
    return next(line for line in _lines(log) if line.get("event") == "run.finished")


def _end_of(job: Object) -> Object | None:
    conditions = job["status"].get("conditions", ())
    done = [c for c in conditions if c["type"] in ("Complete", "Failed")]
    return next((dict(c) for c in done if c["status"] == "True"), None)


def _token_of(job: Object) -> Object:
    volumes = job["spec"]["template"]["spec"]["volumes"]
    sources = [source for v in volumes for source in v.get("projected", {}).get("sources", ())]
    return next(s["serviceAccountToken"] for s in sources if "serviceAccountToken" in s)


@dataclass(frozen=True, slots=True)
class Installed:
    """The archiver on the cluster."""

    kubectl: Kubectl
    archive: Archive
    pods: PodHistory
    overlays: Mapping[Path, Path]

    def ask(self, *arguments: str) -> str:
        """kubectl, in the archiver's namespace."""
        return self.kubectl("-n", NAMESPACE, *arguments)

    def get(self, *arguments: str) -> Any:
        """kubectl get, in the archiver's namespace."""
        return self.kubectl.get("-n", NAMESPACE, *arguments)

    def start(self, name: str, change: Change | None = None) -> None:
        """`kubectl create job --from=cronjob/archiver`, with some of it changed."""
        made = self.ask("create", "job", name, "--from=cronjob/archiver", "--dry-run=client",
                        "-o", "json")  # fmt: skip
        job = (change or Change()).apply(json.loads(made))
        self.kubectl("create", "-f", "-", stdin=json.dumps(job))

    def run(self, name: str, change: Change | None = None) -> str:
        """The same to its end; the condition that it ended with, such as Complete."""
        self.start(name, change)
        return self.ended(name)

    def ended(self, name: str, limit: float = LIMIT) -> str:
        """Wait for a Job's end; Complete or Failed."""
        ends: list[Object] = []

        def is_over() -> bool:
            ends.extend(filter(None, [self._end_so_far(name)]))
            return bool(ends)

        eventually(is_over, limit)
        return str(ends[0]["type"])

    def reason(self, name: str) -> str:
        """Why a Job failed, such as PodFailurePolicy."""
        return str((_end_of(self.get("job", name)) or {}).get("reason"))

    def first_end(self, name: str, limit: float = LIMIT) -> tuple[Object, Object]:
        """Wait for the end of a Job's first pod; the pod and how its container ended."""
        eventually(lambda: exit_codes(self.pods.of_job(name)[:1]) not in ([], [None]), limit)
        pod = self.pods.of_job(name)[0]
        return pod, ended(pod) or {}

    def report(self, name: str) -> Object:
        """The `run.finished` event in the log of a Job's last pod."""
        return _finished(self.log(name))

    def reports(self, name: str) -> list[Object]:
        """The same of each of its pods."""
        return [_finished(self.ask("logs", pod)) for pod in self._pods(name)]

    def document(self, name: str) -> Object:
        """The RunReport in the log of a Job's last pod."""
        documents = (line for line in _lines(self.log(name)) if "event" not in line)
        return next(line for line in documents if line["kind"] == "RunReport")

    def log(self, name: str) -> str:
        """What a Job's last pod says; `kubectl logs job/…` is about the first one."""
        return self.ask("logs", self._pods(name)[-1])

    def _pods(self, job: str) -> list[str]:
        """Those that are there, the oldest first."""
        found = self.get("pods", "-l", f"{JOB}={job}", "--sort-by=.metadata.creationTimestamp")
        return [f"pod/{pod['metadata']['name']}" for pod in found["items"]]

    def in_pod(self, pod: Object, program: str) -> str:
        """What a Python program prints in a running pod. Raises NodeError."""
        return self.ask("exec", pod["metadata"]["name"], "--", PYTHON, "-Ic", program)

    def delete(self, *jobs: str) -> None:
        """Delete Jobs and their pods."""
        self.ask("delete", "job", "--ignore-not-found", *jobs)

    def _end_so_far(self, name: str) -> Object | None:
        asked = self.kubectl.try_to("-n", NAMESPACE, "get", "-o", "json", "job", name)
        if asked.returncode != 0 and _NO_ANSWER.search(asked.stderr):
            return None  # the API server restarts with its node: not yet
        return _end_of(json.loads(asked.stdout) if asked.returncode == 0 else self.get("job", name))
