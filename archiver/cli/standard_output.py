"""Standard output: what a command was asked for, and nothing else. Standard error beside it.

Where they fail, the work goes on: what a run does is more than what it prints. `guard` once, and
`end` last.
"""

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from archiver.errors import ObjectError, Temporary

# Work that is done is not done again: to repeat it gives what could not be printed. The other codes
# say more.
_DONE: Final = (0, ObjectError.exit_code)


class _Guarded(io.RawIOBase):
    """A file that fails once and then takes everything, as /dev/null does."""

    def __init__(self, file: io.RawIOBase | None) -> None:
        """`file`: None where the process was started without one (`>&-`)."""
        super().__init__()
        self._file = file
        self._write: Callable[[Any], int | None] = _closed if file is None else file.write
        self.failure: OSError | None = None

    def write(self, data: Any, /) -> int | None:
        """How many bytes were written. Never raises OSError."""
        if self.failure is None:
            try:
                return self._write(data)
            except OSError as error:
                self.failure = error
        return len(data)

    def writable(self) -> bool:
        """Always, to whatever end."""
        return True

    def isatty(self) -> bool:
        """That of the file."""
        return self._file is not None and self._file.isatty()

    def fileno(self) -> int:
        """That of the file."""
        return super().fileno() if self._file is None else self._file.fileno()


def _closed(_data: Any) -> int:
    raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def guard() -> None:
    """Let no failure of either through, and no character that the encoding lacks."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(before: Any) -> Any:
    if before is None:
        return _text(None, "utf-8", by_line=False)
    if not isinstance(before, io.TextIOWrapper):
        return before
    # Without buffering (python -u) there is no raw file beneath another one.
    raw: Any = getattr(before.buffer, "raw", before.buffer)
    by_line = before.line_buffering or before.write_through
    return _text(raw, before.encoding, by_line=by_line)


def _text(file: io.RawIOBase | None, encoding: str, *, by_line: bool) -> io.TextIOWrapper:
    binary = io.BufferedWriter(_Guarded(file))
    return io.TextIOWrapper(binary, encoding, "backslashreplace", line_buffering=by_line)


def write(text: str) -> None:
    """Write text."""
    sys.stdout.write(text)


def write_bytes(data: bytes) -> None:
    """Write bytes as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def end(code: int) -> int:
    """Send what is still held back, and say what was lost; the exit code, if that would be `code`.

    Whoever has read enough and gone away (`| head`) has lost nothing.
    """
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, _Guarded) else None
    if failure is None or failure.errno == errno.EPIPE:
        return code
    lost = "what was to be printed is lost, what was done is done"
    print(f"archiver: standard output: {failure.strerror}: {lost}", file=sys.stderr)  # noqa: T201 - the last word
    return Temporary.exit_code if code in _DONE else code
