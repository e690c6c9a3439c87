"""Runs the migrations on the connection that `archiver.db.migrate` hands over, in one transaction.

The caller has begun that transaction, holds the advisory lock in it, and commits it.
"""

from alembic import context

from archiver.db.schema import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="schema_version",
    version_table_schema=SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
