"""Saves audit records of custom resources to PostgreSQL before cleanup deletes them."""
