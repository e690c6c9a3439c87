"""Lone surrogates: JSON text may escape them (`\\ud800`), and strict decoders refuse such text.

RFC 8259 section 8.2 lets them through and calls what follows unpredictable. A resource that has one
is evidence like any other, so its structure has to be read all the same.
"""

import re
from typing import Final

# An odd number of backslashes stands before an escape, an even number is backslashes alone.
_SURROGATE: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def neutral(raw: bytes) -> bytes:
    """The same text, of the same length, with a plain letter for every escaped surrogate.

    For readers of structure alone: whoever stores content takes the bytes as they were.
    """
    return _SURROGATE.sub(rb"\1\\u0041", raw)
