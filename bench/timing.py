"""How long queries take, as their users see it: sent, executed, and all rows fetched."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Self

import psycopg


def milliseconds(act: Callable[[], Any]) -> float:
    """Of one call."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1e3


def spread(times: Sequence[float]) -> dict[str, float]:
    """The middle, and what 95 of 100 stay below."""
    ordered = sorted(times)
    at = -(-len(ordered) * 95 // 100) - 1
    return {"p50": round(median(ordered), 1), "p95": round(ordered[at], 1)}


class Session:
    """One connection, as psql has it: each statement is sent as it stands and planned anew."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, query: str) -> list[Any]:
        """All rows."""
        return self._connection.execute(query.encode()).fetchall()

    def times(self, queries: Sequence[str]) -> list[float]:
        """Milliseconds of each."""
        return [milliseconds(lambda q=query: self.ask(q)) for query in queries]  # type: ignore[misc]

    def compare(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[float], list[float]]:
        """Milliseconds of the first and of the second of each pair, taking turns."""
        first, second = [], []
        for one, other in pairs:
            first += self.times([one])
            second += self.times([other])
        return first, second
