"""The schema's history, forward-only: one number, one SQL script, one revision of Alembic."""
