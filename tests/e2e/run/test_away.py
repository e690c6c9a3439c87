"""Servers that do not answer: exit 75, and nothing that is not so is said."""

import socket
from dataclasses import replace
from pathlib import Path

import yaml

from tests.e2e.run.command import Archiver, succeeded
from tests.e2e.run.objects import Collection, is_marked
from tests.e2e.run.rows import Rows
from tests.postgres.server import PostgresServer


def test_the_database(
    archiver: Archiver, processings: Collection, postgres_server: PostgresServer
) -> None:
    resource = processings.create(1)
    postgres_server.stop()
    try:
        done = archiver.run()
    finally:
        postgres_server.restart()
    assert done.code == 75, done.err
    assert done.counts("archived") == [0]
    assert not is_marked(processings.get(resource))
    assert succeeded(archiver.run()).counts("archived") == [1]


def test_the_api_server(archiver: Archiver, rows: Rows, tmp_path: Path) -> None:
    content = yaml.safe_load(archiver.kubeconfig.read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    # Its patience alone would be a minute.
    short = {"ARCHIVER_DEADLINE": "2s", "ARCHIVER_GRACE": "1s"}
    done = replace(archiver, kubeconfig=kubeconfig, environment=short).run()
    assert done.code == 75, done.err
    assert done.report["error"]
    assert rows.everything() == []
