"""Real servers for the integration tests."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from archiver.db.engine import connect
from archiver.db.migrate import migrate
from tests.postgres.database import Database, TemplateDatabase
from tests.postgres.folder import memory_folder
from tests.postgres.server import PostgresServer


def prepare_template(url: str) -> None:
    """Bring the template database at `url` (the superuser's) to the state every test starts from.

    Roles belong to the server: those of the migration, and one user for each of them.
    """
    engine = connect(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE ROLE writer LOGIN PASSWORD 'writer' IN ROLE archiver_writer")
        )
        connection.execute(
            text("CREATE ROLE reader LOGIN PASSWORD 'reader' IN ROLE archiver_reader")
        )
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of this process.

    Under pytest-xdist every worker has its own. A shared one would save a second per worker, and
    need a lock to be started once, a count to be stopped last, and tests that never stop it.
    """
    with PostgresServer.start(parent=memory_folder()) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer) -> TemplateDatabase:
    """The database that the ones of the tests are copies of."""
    return TemplateDatabase.prepare(postgres_server, prepare_template)


@pytest.fixture
def database(template_database: TemplateDatabase) -> Iterator[Database]:
    """A database of this test alone, dropped at its end."""
    with template_database.clone() as clone:
        yield clone
