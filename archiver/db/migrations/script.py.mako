"""${message}. The SQL beside this file is the migration."""

from pathlib import Path

from alembic import op

from archiver.db.transaction import driver_of

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Run the file as one script: its functions hold semicolons and percent signs."""
    driver_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
