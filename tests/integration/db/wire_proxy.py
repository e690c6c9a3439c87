"""A proxy before PostgreSQL that loses one COMMIT on its way, or its answer on the way back."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Literal

CHUNK = 65536
Cut = Literal["before", "after"]


class WireProxy:
    """Listens on a free loopback port. `cuts` are used up by the next COMMITs, one each.

    `before`: the COMMIT never arrives. `after`: the server has answered, the client never hears.
    `commits` counts those that arrived.
    """

    def __init__(self, target_port: int) -> None:
        self.cuts: list[Cut] = []
        self.commits = 0
        self._silent = False
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more; the connections there are end with their clients."""
        self._listener.close()

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Nothing the server says gets through, and no connection ends: a machine that is gone."""
        self._silent = True
        yield
        self._silent = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with (
            client,
            socket.create_connection(("127.0.0.1", self._target_port)) as server,
            contextlib.suppress(OSError),
        ):
            mute = False
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for end in ready:
                    data = end.recv(CHUNK)
                    if not data:
                        return
                    if end is client:
                        cut = self._cut(data)
                        mute = cut == "after"
                        if cut == "before":
                            return
                        server.sendall(data)
                    elif mute:
                        return
                    elif not self._silent:
                        client.sendall(data)

    def _cut(self, data: bytes) -> Cut | None:
        if b"COMMIT\0" not in data:
            return None
        cut = self.cuts.pop(0) if self.cuts else None
        if cut != "before":
            self.commits += 1
        return cut


@contextlib.contextmanager
def wire_proxy(target_port: int) -> Iterator[WireProxy]:
    proxy = WireProxy(target_port)
    yield proxy
    proxy.close()
