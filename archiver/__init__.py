"""Saves audit records of custom resources to PostgreSQL before cleanup deletes them."""

__version__ = "0.1.0"
