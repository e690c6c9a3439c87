"""Passwords taken out of what is shown."""

import re
from typing import Final
from urllib.parse import unquote

SCHEMES: Final = ("postgresql://", "postgres://")
_PASSWORD: Final = re.compile(r"(?<=://)([^/@:]*):.*@", re.DOTALL)
# Two variables that were swapped put an address anywhere.
_SIGNS: Final = ("://", "@", "passw", "url")
_PARAMETER: Final = re.compile(r"([?&])([^=&]*)=([^&]*)")


def masked(url: str) -> str:
    """A libpq URI with asterisks for its password; nothing but them for what is no such URI."""
    # In anything else (a keyword string, another scheme) a password may stand anywhere.
    if not url.startswith(SCHEMES):
        return "***"
    return _PARAMETER.sub(_mask, _PASSWORD.sub(r"\1:***@", url))


def may_hold_password(text: str) -> bool:
    """Whether a text, perhaps with the name of what it is of, had better not be shown."""
    return any(sign in text.lower() for sign in _SIGNS)


def _mask(parameter: re.Match[str]) -> str:
    # libpq decodes the keyword too: pass%77ord is one.
    secret = unquote(parameter[2]).strip().lower().endswith("password")
    return f"{parameter[1]}{parameter[2]}={'***' if secret else parameter[3]}"
