"""Which months have something alive, and what is said of the end."""

from datetime import date
from typing import Any

import pytest

from archiver.cli.dropping import Report, _show, months_of_living
from archiver.errors import Configuration
from archiver.ports import Unparsed
from tests.fakes.world import World

NO_DATABASE: Any = None  # asked only for objects that cannot be read


def test_every_object_keeps_the_month_of_its_birth() -> None:
    world = World()
    world.add("alive")
    [(month, named)] = months_of_living(world.cluster, NO_DATABASE).items()
    assert month == date(2026, 1, 1)
    assert named.count("uid") == 1


def test_object_of_which_nothing_can_be_read_keeps_all_months() -> None:
    world = World()
    world.cluster.unparsed.append(Unparsed("ns/odd", "too-deep", "nested over 500 levels", b"{}"))
    with pytest.raises(Configuration, match=r"ns/odd cannot be read \(too-deep\) and has no uid"):
        months_of_living(world.cluster, NO_DATABASE)


@pytest.mark.parametrize("error", [None, Configuration("no database")])
def test_what_was_not_looked_at_is_not_called_empty(
    error: Configuration | None, capsys: pytest.CaptureFixture[str]
) -> None:
    _show(Report("client", error=error), "table")
    said = capsys.readouterr().out
    assert ("no month is over its time" in said) == (error is None)
    assert ("ended early: no database" in said) == (error is not None)
