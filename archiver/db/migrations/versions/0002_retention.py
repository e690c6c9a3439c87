"""Retention: whole months are dropped, and each leaves a record. The SQL is beside this file."""

from pathlib import Path

from alembic import op

from archiver.db.transaction import driver_of

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the file as one script: its functions hold semicolons and percent signs."""
    driver_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
