"""The archive: tables, functions, view and roles. The SQL beside this file is the migration."""

from pathlib import Path

from alembic import op

from archiver.db.transaction import driver_of

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the file as one script: its functions hold semicolons and percent signs."""
    driver_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
