"""PostgreSQL on and off by a file, and what is said where it ends without one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.switch import Switch
from tests.postgres.errors import PostgresError
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer
from tests.postgres.sql import value

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer.start(parent=memory_folder(), durable=False) as running:
        yield running


@pytest.fixture
def switch(server: PostgresServer, tmp_path: Path) -> Switch:
    return Switch(server, tmp_path / "off")


def answers(server: PostgresServer) -> bool:
    return value(server.superuser_url(), "SELECT true") is True


def ends_by_itself(server: PostgresServer) -> None:
    os.kill(server.pid, signal.SIGKILL)
    server.wait()


def test_a_server_that_ends_by_itself_is_told_once_with_the_way_back(
    server: PostgresServer, switch: Switch, capsys: Captured
) -> None:
    for _ in range(2):  # it is told again when it ends again
        ends_by_itself(server)
        assert switch.tend()
        said = capsys.readouterr().err
        assert "PostgreSQL has ended by itself" in said
        assert f"  touch {switch.file}\n" in said
        assert f"  rm {switch.file}\n" in said
        assert switch.tend()
        switch.file.touch()
        assert switch.tend()
        switch.file.unlink()
        assert switch.tend()
        assert answers(server)
        assert switch.tend()
        assert capsys.readouterr() == ("PostgreSQL is off\nPostgreSQL is on\n", "")


def test_one_that_is_off_has_not_ended_by_itself(
    server: PostgresServer, switch: Switch, capsys: Captured
) -> None:
    switch.file.touch()
    for _ in range(2):
        assert switch.tend()
    assert capsys.readouterr() == ("PostgreSQL is off\n", "")


def test_nor_has_one_that_does_not_start(
    server: PostgresServer, switch: Switch, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise PostgresError("no space left")

    switch.file.touch()
    switch.tend()
    switch.file.unlink()
    monkeypatch.setattr(server, "restart", refuse)
    for _ in range(2):
        assert switch.tend()
    assert capsys.readouterr().err == "PostgreSQL: no space left\n"
