"""Passwords taken out of what is shown."""

import re
from typing import Final
from urllib.parse import unquote

SCHEMES: Final = ("postgresql://", "postgres://")
_PASSWORD: Final = re.compile(r"(?<=://)([^/@:]*):.*@", re.DOTALL)
# Two variables that were swapped put an address anywhere.
_SIGNS: Final = ("://", "@", "passw", "url")
# libpq's parameters that may be shown. What is none of them may be a misspelt password.
_SHOWN: Final = frozenset({
    "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
    "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr",
    "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
    "load_balance_hosts", "max_protocol_version", "min_protocol_version", "passfile", "port",
    "replication", "require_auth", "requirepeer", "service", "ssl_max_protocol_version",
    "ssl_min_protocol_version", "sslcert", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir",
    "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "target_session_attrs",
    "tcp_user_timeout", "user",
})  # fmt: skip
_PARAMETER: Final = re.compile(r"([?&])([^=&]*)=([^&]*)")
# Parameters behind something else than a question mark: libpq takes them for a part of the name.
_MISPLACED: Final = re.compile(r"(://[^?&;=\s]*)[&;=\s][^?]*")
# Parameters behind something else than an ampersand: libpq takes them for a part of the value.
_SUSPICIOUS: Final = re.compile(r"[;=\s]")


def masked(url: str) -> str:
    """A libpq URI with asterisks for its password; nothing but them for what is no such URI."""
    # In anything else (a keyword string, another scheme) a password may stand anywhere.
    if not url.startswith(SCHEMES):
        return "***"
    return _PARAMETER.sub(_mask, _MISPLACED.sub(r"\1***", _without_password(url)))


def has_misplaced_parameters(url: str) -> bool:
    """Whether what stands before the parameters of a libpq URI may be some that are no such."""
    return _MISPLACED.search(_without_password(url)) is not None


def may_hold_password(text: str) -> bool:
    """Whether a text, perhaps with the name of what it is of, had better not be shown."""
    return any(sign in text.lower() for sign in _SIGNS)


def _without_password(url: str) -> str:
    return _PASSWORD.sub(r"\1:***@", url)


def _mask(parameter: re.Match[str]) -> str:
    # libpq decodes the keyword too.
    name, value = map(unquote, parameter.group(2, 3))
    shown = parameter[3] if name in _SHOWN and not _SUSPICIOUS.search(value) else "***"
    return f"{parameter[1]}{parameter[2]}={shown}"
