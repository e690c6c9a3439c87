"""The servers of the contract tests."""

from tests.integration.conftest import database, postgres_server, template_database

__all__ = ["database", "postgres_server", "template_database"]
