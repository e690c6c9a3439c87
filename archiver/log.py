"""Logs: one event a line on standard error, JSON off a terminal, and no secrets in it."""

import logging
import os
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from archiver.errors import ObjectError, Temporary

REDACTED: Final = "***"
_SECRET: Final = re.compile(
    r"passw|passphrase|secret|token|authori[sz]ation|credential|cookie|api_?key|private_?key",
    re.IGNORECASE,
)
# The path of a secret is none.
_PATH: Final = re.compile(r"_(file|path)$", re.IGNORECASE)
# Of a URL, or of a text that quotes one.
_USERINFO: Final = re.compile(r"(://[^\s:@/?#]*:)[^\s@/]+(?=@)")
_PARAMETER: Final = re.compile(r"((?:ssl)?password\s*=\s*)('[^']*'|[^\s&'\"]+)", re.IGNORECASE)
_DEEPEST: Final = 8


def configure(
    level: str = "info", log_format: str = "auto", *, stream: TextIO | None = None
) -> None:
    """Log events of `level` and above; `log_format` is json, console or auto (by the terminal).

    Other libraries' logs and Python's warnings come in the same form, from WARNING on.
    """
    out = stream or sys.stderr
    console = log_format == "console" or (log_format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    rendering = _rendering(console, out)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        # The loggers of modules are made before this is called, and tests call it again.
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(out, [structlog.stdlib.add_logger_name, *shared], rendering)


def level_of(exit_code: int) -> int:
    """How severe, as logging's number, is what ends with this code.

    error: nothing mends it but a person (65, 70, 78) · warning: the next run may, or one object
    needs a person (75, 1) · info: done.
    """
    if exit_code == 0:
        return logging.INFO
    mild = (ObjectError.exit_code, Temporary.exit_code)
    return logging.WARNING if exit_code in mild else logging.ERROR


def _rendering(console: bool, out: TextIO) -> list[Processor]:
    if console:
        colors = out.isatty() and not os.environ.get("NO_COLOR")
        # Not the default, Rich's: it prints the values of local variables.
        plain = structlog.dev.plain_traceback
        return [_redact, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    return [
        structlog.processors.format_exc_info,
        _redact,
        _lead_with_the_event,
        structlog.processors.JSONRenderer(default=str),
    ]


def _route_standard_logging(
    out: TextIO, before: list[Processor], rendering: list[Processor]
) -> None:
    handler = logging.StreamHandler(out)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before, processors=[remove, *rendering]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _lead_with_the_event(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Time, level and event first: people read these lines, too."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return {**first, **event}


def _redact(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Drop the values of keys that look like secrets, and passwords that a text quotes."""
    return {key: _clean(key, value, 0) for key, value in event.items()}


@lru_cache(256)
def _is_secret(key: str) -> bool:
    return key != "event" and bool(_SECRET.search(key)) and not _PATH.search(key)


def _clean(key: str, value: Any, depth: int) -> Any:
    if _is_secret(key):
        return REDACTED
    if isinstance(value, str):  # first, since nearly all are: to ask for a Mapping takes longer
        return _without_passwords(str(value))
    # Of exc_info the console's renderer needs the exception itself.
    if value is None or isinstance(value, bool | int | float) or key == "exc_info":
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {name: _clean(str(name), item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_clean("", item, depth + 1) for item in value]
    return _without_passwords(str(value))


def _without_passwords(text: str) -> str:
    # What is looked for first is found in a tenth of the time, and nearly no text has it.
    if "://" in text:
        text = _USERINFO.sub(rf"\1{REDACTED}", text)
    return _PARAMETER.sub(rf"\1{REDACTED}", text) if "=" in text else text
