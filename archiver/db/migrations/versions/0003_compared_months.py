"""One function compares a month, for who drops it and for who only asks. The SQL is beside it."""

from pathlib import Path

from alembic import op

from archiver.db.transaction import driver_of

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the file as one script: its functions hold semicolons and percent signs."""
    driver_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
