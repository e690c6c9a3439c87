"""Engines on the database of a test: as its owner (a superuser), as writer, as reader."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from archiver.db.engine import connect
from archiver.db.store import PostgresStore
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer


@contextmanager
def engine_for(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def writer_url(postgres_server: PostgresServer, database: Database) -> str:
    return postgres_server.url(database.name, "writer", "writer")


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    with engine_for(database.owner_url) as engine:
        yield engine


@pytest.fixture
def writer(writer_url: str) -> Iterator[Engine]:
    with engine_for(writer_url) as engine:
        yield engine


@pytest.fixture
def reader(postgres_server: PostgresServer, database: Database) -> Iterator[Engine]:
    with engine_for(postgres_server.url(database.name, "reader", "reader")) as engine:
        yield engine


@pytest.fixture
def store(writer: Engine) -> PostgresStore:
    """The store as the job has it: with the writer's rights and no others."""
    return PostgresStore(writer)
