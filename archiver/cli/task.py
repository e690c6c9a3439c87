"""From flags to a task."""

from typing import Any

from archiver.cli.compose import Task
from archiver.domain import gotime
from archiver.domain.policy import Policy
from archiver.errors import Configuration
from archiver.settings import Settings


def task_of(mode: str, settings: Settings, flags: dict[str, Any]) -> Task:
    """The task of `run` or `backfill`. Raises Configuration for flags that contradict."""
    if flags["namespace"] and flags["all_namespaces"]:
        raise Configuration("-n and -A contradict each other: give one of them")
    since, until = _time("--since", flags["since"]), _time("--until", flags["until"])
    if since is not None and until is not None and since >= until:
        raise Configuration(
            f"--since {flags['since']} is not before --until {flags['until']}: no time lies between"
        )
    return Task(
        mode=mode,
        dry_run=flags["dry_run"],
        policy=Policy(
            retention=settings.retention,
            lead=settings.lead,
            everything=mode == "backfill",
            since=since,
            until=until,
        ),
        namespace=flags["namespace"],
        selector=flags["selector"],
        files=flags["files"] or (),
        shard=settings.shard_in_force(),
    )


def _time(flag: str, text: str | None) -> int | None:
    try:
        return None if text is None else gotime.parse_time(text)
    except gotime.NotATime as error:
        raise Configuration(f"{flag}: {error}") from None
