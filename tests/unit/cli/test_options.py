"""Flags that are wrong are refused before anything is asked of anybody."""

import pytest
from click.testing import CliRunner

from archiver.cli import cli
from archiver.errors import Configuration

COMMANDS = (["run"], ["backfill"], ["get", "some"])


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHIVER_DATABASE_URL", raising=False)
    # It would end the process, and the tests with it.
    monkeypatch.setattr("archiver.cli._work_command", lambda *_args: None)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["a/../b", "..", "", "Prod", "a b", "a.b", "-a", "a-", "a" * 64])
def test_what_is_no_name_of_a_namespace_is_refused(command: list[str], name: str) -> None:
    error = CliRunner().invoke(cli, [*command, "-n", name]).exception
    assert isinstance(error, Configuration)
    assert str(error).startswith(f"--namespace {name!r} is no name of a namespace")
    assert "at most 63" in str(error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "a\udcff"],
        ["run", "-l", "\udcff"],
        ["run", "-n", "\udcff"],
        ["run", "--context", "\udcff"],
    ],
)
def test_what_is_no_text_is_refused(arguments: list[str]) -> None:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 2  # main() makes it 78
    assert "xff' is no text in utf-8" in done.output


@pytest.mark.parametrize("name", ["a", "7", "kube-system", "a--b", "a" * 63])
def test_a_name_of_a_namespace_is_taken(name: str) -> None:
    error = CliRunner().invoke(cli, ["get", "some", "-n", name]).exception
    assert isinstance(error, Configuration)
    assert str(error).startswith("no database")
