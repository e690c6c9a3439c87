"""A distant server: every byte, in both directions, arrives half a round trip late."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import yaml

_CHUNK = 1 << 16


class DelayProxy:
    """A TCP proxy on a free loopback port that adds `round_trip` seconds of latency, and no limit
    to the throughput: bytes on their way do not hold up those behind them, as on a long line.

    TLS passes through it unread. Runs in a thread of its own until `close`. `sent` and `received`
    are the bytes so far, as the client sees them.
    """

    def __init__(self, host: str, port: int, round_trip: float) -> None:
        """Listens on return."""
        self.sent = self.received = 0
        self._target, self._delay = (host, port), round_trip / 2
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        start = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Accept no more."""
        self._loop.call_soon_threadsafe(self._server.close)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(*self._target)
        for carried in (self._sent(reader, there[1]), self._received(there[0], writer)):
            task = asyncio.create_task(carried)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _sent(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        async for count in self._carried(client, server):
            self.sent += count

    async def _received(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        async for count in self._carried(server, client):
            self.received += count

    async def _carried(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> AsyncIterator[int]:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                # Timers of one delay fire in the order they were set.
                self._loop.call_later(self._delay, _write, sink, data)
                yield len(data)
        self._loop.call_later(self._delay, sink.close)


def kubeconfig_through(proxy: DelayProxy, kubeconfig: Path) -> Path:
    """A copy, beside it, of a kubeconfig in JSON or YAML: the same account, by way of the proxy."""
    content = yaml.safe_load(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
    distant = kubeconfig.with_name("distant.kubeconfig")
    distant.touch(mode=0o600)
    distant.write_text(json.dumps(content))
    return distant


def _write(sink: asyncio.StreamWriter, data: bytes) -> None:
    if not sink.is_closing():
        sink.write(data)
