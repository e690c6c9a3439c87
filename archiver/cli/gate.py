"""Which gate is in force: asked beside the work of a run, which never waits for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from archiver.kube.client import Client
    from archiver.kube.guard import Finding

_log = structlog.get_logger()

# At the end of a run that was over before its questions were answered; seconds.
_LAST_WAIT: Final = 2.0


class Inquiry:
    """One look at the guard, in a thread of its own: nothing that is archived depends on it."""

    def __init__(self) -> None:
        self._finding: Future[Finding] | None = None
        self._resource = ""

    def begin(self, client: "Client", group: str, plural: str) -> None:
        """Ask, and return at once."""
        from archiver.kube.guard import gate

        self._resource = f"{plural}.{group}"
        finding: Future[Finding] = Future()
        self._finding = finding
        # A daemon: what hangs must not hold up the end of the process.
        threading.Thread(
            target=_keep,
            args=(finding, lambda: gate(client, group=group, plural=plural)),
            name="gate",
            daemon=True,
        ).start()

    def end(self) -> str | None:
        """The gate, for the report; None where nobody asked. What is not known by now is unknown.

        For any but the guard the event `gate.off` says why.
        """
        if self._finding is None:
            return None
        from archiver.kube.guard import Gate

        try:
            found, why = self._finding.result(_LAST_WAIT)
        except TimeoutError:
            found, why = Gate.UNKNOWN, "it could not be read before the run was over"
        except Exception as bug:  # noqa: BLE001 - the report of what was done is worth more
            _log.exception("gate.failed")
            found, why = Gate.UNKNOWN, f"a bug: {bug!r}"
        if found is not Gate.GUARD:
            remedy = f"kubectl apply -k deploy/guard/, whose policies name {self._resource}"
            if found is Gate.UNKNOWN:
                remedy = "see why it cannot be read; whether there is a guard, nobody can tell"
            _log.warning("gate.off", gate=found, why=why, remedy=remedy)
        return found


def _keep(finding: "Future[Finding]", ask: Callable[[], "Finding"]) -> None:
    try:
        finding.set_result(ask())
    except BaseException as bug:  # noqa: BLE001 - told where the gate is asked for
        finding.set_exception(bug)
