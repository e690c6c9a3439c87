"""Watches objects being settled: a progress bar for people, beside whatever is printed of each."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from archiver.domain.tally import Settled


class Watching:
    """Called for every settled object; hands it on."""

    def __init__(self, settled: Callable[[Settled], None]) -> None:
        self._settled = settled
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            # Rich would send what goes to standard output to standard error.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar = self._progress.add_task("backfill", total=None)

    def __call__(self, settled: Settled) -> None:
        self._settled(settled)
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
