"""Logging: one event a line on standard error, JSON off a terminal."""

import logging
import sys
from typing import Any, Final

import structlog

_SECRET: Final = ("password", "secret", "token", "authorization")


def configure(level: str = "info", form: str = "auto") -> None:
    """Set the log up. `form`: json, console, or auto (console on a terminal)."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # urllib3 and others say the same as our own events, only later and in other words.
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(message)s")


def hide_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace the value of every key that is named like a secret."""
    return {
        key: "***" if any(word in key.lower() for word in _SECRET) else value
        for key, value in event.items()
    }
