"""Credentials of an exec plugin, which is asked as kubectl asks it (client.authentication.k8s.io).

The library asks too, but waits for ever, takes a failure for "no credentials", and asks again for
every token that lives for less than five minutes.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from archiver.errors import ArchiverError, Configuration, Interrupted, Unavailable
from archiver.kube.answer import UNDECODABLE
from archiver.kube.patience import Budget, Patience

_log = structlog.get_logger()

# What no repetition mends: it is not there, is no program, or may not be run.
_PERMANENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENOEXEC}
# How often it is asked whether the run is to end; seconds.
_GLANCE: Final = 0.25
# After which somebody may ask what the run waits for; seconds.
_SLOW: Final = 10.0
_SHOWN: Final = 200
_EXTENSION: Final = "client.authentication.k8s.io/exec"
_OF_THE_CLUSTER: Final = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
)


class _Status(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""


class _Credential(msgspec.Struct, rename="camel"):
    """ExecCredential, as far as it is read."""

    api_version: str
    kind: str
    status: _Status


_credential: Final = msgspec.json.Decoder(_Credential)


@dataclass(frozen=True, slots=True)
class Asking:
    """How long to ask: `budget` bounds the attempts of a plugin that fails, `ended` says that the
    run is to end, and with it a plugin that hangs.
    """

    budget: Budget = field(default_factory=Budget)
    ended: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Plugin:
    """`config` is `exec` of a kubeconfig's user, `folder` where that kubeconfig is."""

    config: Mapping[str, Any]
    folder: str
    cluster: Mapping[str, Any]

    def ask(self, asking: Asking) -> dict[str, str]:
        """What the user of a kubeconfig would have in its place: a token, or a certificate and key.

        Raises Configuration for a plugin that is missing or of another version, Unavailable for one
        that fails until the budget is used up, and Interrupted.
        """
        patience = Patience(asking.budget)
        while True:
            try:
                return self._fields(self._run(asking.ended))
            except Unavailable as error:
                seconds = patience.pause(f"exec plugin {self._command}", error=error)
                if seconds is None:
                    raise
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                if asking.ended():
                    raise self._interrupted()
                time.sleep(min(left, _GLANCE))

    @property
    def _command(self) -> str:
        # A name is looked up in PATH; a relative path is one beside the kubeconfig.
        command: str = self.config["command"]
        return str(Path(self.folder) / command) if os.sep in command else command

    def _run(self, ended: Callable[[], bool]) -> bytes:
        interactive = self._is_interactive()
        process = self._start(interactive)
        # It closes the pipes and reaps the process.
        with process:
            try:
                output, complaint = self._wait(process, ended)
            except BaseException:
                _kill(process, with_children=not interactive)
                raise
        if process.returncode:
            said = (complaint or b"").decode(errors="replace").strip().partition("\n")[0][:_SHOWN]
            raise Unavailable(self._failed(f"ended with {process.returncode}: {said}"))
        return output

    def _start(self, interactive: bool) -> "subprocess.Popen[bytes]":
        command = [self._command, *(self.config.get("args") or ())]
        try:
            return subprocess.Popen(  # noqa: S603 - the kubeconfig's owner names it
                command,
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if interactive else subprocess.PIPE,
                env=self._environment(interactive),
                start_new_session=not interactive,
            )
        except OSError as error:
            hint = self.config.get("installHint") or ""
            facts = f"the exec plugin {self._command}: {error.strerror}. {hint}".rstrip(". \n")
            raise (Configuration if error.errno in _PERMANENT else Unavailable)(facts) from None

    def _wait(
        self, process: "subprocess.Popen[bytes]", ended: Callable[[], bool]
    ) -> tuple[bytes, bytes | None]:
        slow_at = time.monotonic() + _SLOW
        while True:
            try:
                return process.communicate(timeout=_GLANCE)
            except subprocess.TimeoutExpired:
                if ended():
                    raise self._interrupted() from None
            if time.monotonic() >= slow_at:
                slow_at = float("inf")
                _log.warning("credentials.slow", plugin=self._command, waited_seconds=_SLOW)

    def _fields(self, output: bytes) -> dict[str, str]:
        try:
            found = _credential.decode(output)
        except UNDECODABLE:
            # Not chained, not quoted: there may be credentials in it.
            raise Unavailable(self._failed("gave no ExecCredential")) from None
        if (found.api_version, found.kind) != (self.config["apiVersion"], "ExecCredential"):
            asked = f"ExecCredential of {self.config['apiVersion']}"
            gave = f"{found.kind} of {found.api_version}"
            raise Configuration(self._failed(f"was asked for {asked} and gave {gave}"))
        status = found.status
        fields = {"token": status.token} if status.token else {}
        if status.client_certificate_data and status.client_key_data:
            fields["client-certificate-data"] = _base64(status.client_certificate_data)
            fields["client-key-data"] = _base64(status.client_key_data)
        if not fields:
            raise Unavailable(self._failed("gave no credentials"))
        return fields

    def _environment(self, interactive: bool) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": interactive}
        if self.config.get("provideClusterInfo"):
            spec["cluster"] = self._cluster_info()
        info = {"apiVersion": self.config["apiVersion"], "kind": "ExecCredential", "spec": spec}
        more = {item["name"]: item["value"] for item in self.config.get("env") or ()}
        return os.environ | more | {"KUBERNETES_EXEC_INFO": json.dumps(info)}

    def _cluster_info(self) -> dict[str, Any]:
        info = {key: self.cluster[key] for key in _OF_THE_CLUSTER if key in self.cluster}
        if "certificate-authority-data" not in info and (
            file := self.cluster.get("certificate-authority")
        ):
            authority = (Path(self.folder) / file).read_bytes()
            info["certificate-authority-data"] = b64encode(authority).decode()
        for extension in self.cluster.get("extensions") or ():
            if extension["name"] == _EXTENSION:
                info["config"] = extension["extension"]
        return info

    def _is_interactive(self) -> bool:
        mode = self.config.get("interactiveMode") or "IfAvailable"
        terminal = sys.stdin is not None and sys.stdin.isatty()
        if mode == "Always" and not terminal:
            raise Configuration(self._failed("wants to ask a person, and there is no terminal"))
        return terminal and mode != "Never"

    def _failed(self, how: str) -> str:
        return f"the exec plugin {self._command} {how}"

    def _interrupted(self) -> ArchiverError:
        return Interrupted(self._failed("had given no credentials when the run was to end"))


def _kill(process: "subprocess.Popen[bytes]", *, with_children: bool) -> None:
    # They hold its pipes as well. What has ended by itself meanwhile needs no signal.
    with suppress(ProcessLookupError):
        if with_children:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
