"""Flags that contradict each other are refused before anything is asked of anybody."""

from typing import Any

import pytest

from archiver.cli.task import task_of
from archiver.domain.policy import HOUR
from archiver.errors import Configuration
from archiver.settings import Settings

_FLAGS = ("namespace", "all_namespaces", "selector", "dry_run", "files", "since", "until")
NOON = "2026-03-01T12:00:00Z"
ONE = "2026-03-01T13:00:00Z"


def _flags(**given: Any) -> dict[str, Any]:
    return dict.fromkeys(_FLAGS) | given


@pytest.fixture
def settings() -> Settings:
    return Settings(database_url="postgresql://localhost/archive")


def test_since_and_until_narrow_a_backfill(settings: Settings) -> None:
    policy = task_of("backfill", settings, _flags(since=NOON, until=ONE)).policy
    assert policy.since is not None
    assert policy.until == policy.since + HOUR


@pytest.mark.parametrize("since", [ONE, NOON, "2026-03-01T14:00:00+02:00"])
def test_since_that_is_not_before_until_is_refused(settings: Settings, since: str) -> None:
    with pytest.raises(Configuration, match="no time lies between") as raised:
        task_of("backfill", settings, _flags(since=since, until=NOON))
    assert f"--since {since}" in str(raised.value)
    assert f"--until {NOON}" in str(raised.value)


def test_a_namespace_and_all_of_them_are_refused(settings: Settings) -> None:
    with pytest.raises(Configuration, match="give one of them"):
        task_of("run", settings, _flags(namespace="a", all_namespaces=True))
