"""Requests to one API server: the library's authentication, curl's connections, our raw bytes."""

from collections.abc import Callable
from concurrent.futures import Future
from importlib.metadata import version
from itertools import count
from typing import TypeVar

from archiver.kube import credentials
from archiver.kube.answer import Answer
from archiver.kube.clock import Clock
from archiver.kube.credentials import Credentials
from archiver.kube.dispatch import Dispatcher
from archiver.kube.exec_plugin import Asking
from archiver.kube.lane import Call, Lane
from archiver.kube.login import DEFAULT_NETWORK, Network
from archiver.kube.request import Query, Request, target_of
from archiver.kube.window import Window
from archiver.ports import Stop

JSON = "application/json"

_T = TypeVar("_T")


def connect(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    network: Network = DEFAULT_NETWORK,
    stop: Stop | None = None,
) -> "Client":
    """A client for the cluster that kubectl would talk to, or the one this pod runs in.

    Nothing is sent yet, but an exec plugin is asked. `stop` ends pauses between attempts, and a
    plugin that hangs. Raises Configuration, Unavailable and Interrupted.
    """
    loads = count()

    def load() -> Credentials:
        # At first nothing is held that would have to be finished.
        ended = _never if stop is None else stop.expired if next(loads) else stop.requested
        return credentials.load(kubeconfig, context, Asking(network.budget, ended))

    return Client(load, network, stop)


def _never() -> bool:
    return False


class Client:
    """One API server. Safe to use from many threads at once.

    Requests are repeated within the budget: all of them where no answer comes and on 429, 502, 503
    and 504; on 500 unless its text says that repeating is useless. That is safe for what is sent
    here: reads, reviews of rights, and patches with uid and resourceVersion as preconditions.
    Whatever the last answer's status, it is returned; `failures` knows what it means.
    """

    def __init__(
        self,
        load: Callable[[], Credentials],
        network: Network = DEFAULT_NETWORK,
        stop: Stop | None = None,
    ) -> None:
        """`load` gives the configuration, and is called again when the server answers 401."""
        self._dispatcher = Dispatcher(load, network, stop)
        # Not bounded: what is read is asked for by two threads at most, the run's and the gate's.
        self._reading = Lane(Window(network.connections))
        agent = f"User-Agent: kubernaut-archiver/{version('kubernaut-archiver')}"
        # With compression curl says so itself.
        encoding = () if network.compress else ("Accept-Encoding: identity",)
        self._common = (agent, *encoding)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._dispatcher.server

    @property
    def clock(self) -> Clock | None:
        """The API server's clock at its first answer; None before one that tells the time."""
        return self._dispatcher.clock

    def get(
        self, path: str, query: Query = (), *, accept: str = JSON, max_bytes: int | None = None
    ) -> Answer:
        """Read something. Raises TooLarge beyond `max_bytes`, Unavailable, Configuration."""
        headers = (*self._common, f"Accept: {accept}")
        request = Request("GET", target_of(path, query), headers, max_bytes=max_bytes)
        return self._begin(request, self._reading, _as_it_is).result()

    def post(self, path: str, body: bytes) -> Answer:
        """Ask for a review. Raises Unavailable, Configuration."""
        headers = (*self._common, f"Accept: {JSON}", f"Content-Type: {JSON}")
        request = Request("POST", path, headers, body)
        return self._begin(request, self._reading, _as_it_is).result()

    def patch(
        self,
        target: str,
        body: bytes,
        *,
        headers: tuple[str, ...],
        lane: Lane,
        interpret: Callable[[Answer], _T],
    ) -> "Future[_T]":
        """Begin to change something whose state is named in the patch.

        The future ends with what `interpret` makes of the last answer, with what it raises, or with
        Unavailable or Configuration. It can be cancelled until the patch is sent.
        """
        request = Request("PATCH", target, (*self._common, *headers), body)
        return self._begin(request, lane, interpret)

    def close(self) -> None:
        """Close the connections."""
        self._dispatcher.close()

    def _begin(self, request: Request, lane: Lane, interpret: Callable[[Answer], _T]) -> Future[_T]:
        call = Call(request, lane, interpret)
        self._dispatcher.submit(call)
        return call.future


def _as_it_is(answer: Answer) -> Answer:
    return answer
