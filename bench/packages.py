"""`python -m bench.packages` imports what a run imports of other people's, and ends: a floor."""

import click
import kubernetes.config
import msgspec
import psycopg
import pycurl
import pydantic_settings
import sqlalchemy.dialects.postgresql.psycopg
import structlog

__all__ = [
    "click",
    "kubernetes",
    "msgspec",
    "psycopg",
    "pycurl",
    "pydantic_settings",
    "sqlalchemy",
    "structlog",
]
