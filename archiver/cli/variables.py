"""Variables of the environment that look like settings and are none."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from archiver.settings import PREFIX, Settings

# Of a Service named archiver, or archiver-something, in the same namespace; and of the tests.
_OTHERS: Final = re.compile(
    r"TEST_.*|(?:.*_)?SERVICE_(?:HOST|PORT(?:_.*)?)"
    r"|(?:.*_)?PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?"
)
_KNOWN: Final = [name.upper() for name in (*Settings.model_fields, "config")]


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Their names → the setting that was probably meant.

    They are no errors: in a pod, Kubernetes sets some for every Service, whatever its name.
    """
    ours = {n: n.upper().removeprefix(PREFIX) for n in environment if n.upper().startswith(PREFIX)}
    return {
        name: _meant(said)
        for name, said in ours.items()
        if said not in _KNOWN and not _OTHERS.fullmatch(said)
    }


def _meant(said: str) -> str | None:
    return next((PREFIX + known for known in get_close_matches(said, _KNOWN, 1)), None)
