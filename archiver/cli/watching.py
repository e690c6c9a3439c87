"""Watches objects being settled: a progress bar for people, the lines of a dry run."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from archiver.domain.tally import Settled


class Watching:
    """Called for every settled object. With `keep`, `lines` holds them all: a dry run says what
    would become of each.
    """

    def __init__(self, *, keep: bool, bar: bool) -> None:
        self.lines: list[Settled] = []
        self._keep = keep
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not (bar and sys.stderr.isatty()),
        )
        self._bar = self._progress.add_task("backfill", total=None)

    def __call__(self, settled: Settled) -> None:
        if self._keep:
            self.lines.append(settled)
        self._progress.advance(self._bar)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
