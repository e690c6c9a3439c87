"""Alembic loads these by path."""
