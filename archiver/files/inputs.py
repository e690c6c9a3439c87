"""Which files a path means, and their bytes, gunzipped where they are gz."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from archiver.errors import Configuration

STDIN: Final = "-"
SUFFIXES: Final = (".json", ".yaml", ".yml", ".jsonl", ".ndjson")
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 1 << 20


class Broken(Exception):
    """The bytes end here, though not because they are at their end. `reason` is a slug."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def names(paths: Sequence[str], passed_over: list[str] | None = None) -> list[str]:
    """Every file meant by these paths, a directory's (and those below it) sorted by path.

    Those of a directory that are not meant, by their name, are added to `passed_over`. Links to
    directories are followed, each directory once. Raises Configuration where a path does not exist,
    or a directory holds nothing to read, or it or one below it cannot be listed.
    """
    passed_over = [] if passed_over is None else passed_over
    return [name for path in paths for name in _names(path, passed_over)]


def _names(path: str, passed_over: list[str]) -> list[str]:
    if path == STDIN:
        return [path]
    if not path:
        # Path("") is the current directory.
        raise Configuration("--from '': no file is named; the current directory is --from .")
    place = Path(path)
    try:
        if not place.is_dir():
            place.stat()
            return [path]
        every = sorted(_files_below(place, set()))
    except OSError as error:
        raise Configuration(f"--from {error.filename}: {error.strerror}") from None
    found = [str(each) for each in every if _is_dump(each)]
    passed_over.extend(str(each) for each in every if not _is_dump(each))
    if not found:
        wanted = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
        raise Configuration(f"--from {path}: the directory has no {wanted} (or the same with .gz)")
    return found


def _files_below(folder: Path, known: set[tuple[int, int]]) -> Iterator[Path]:
    """Not Path.rglob: it follows no links, and takes a folder that it may not list for empty."""
    status = folder.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in known:
        return
    known.add(identity)
    for each in sorted(folder.iterdir()):
        if each.is_dir():
            yield from _files_below(each, known)
        else:
            yield each


def _is_dump(path: Path) -> bool:
    """By its name; what of that name is missing or cannot be asked is an error when it is opened.

    A pipe or socket is none: to open it might wait for ever.
    """
    named = plain_name(path.name).endswith(SUFFIXES)
    return named and (path.is_file() or not path.exists())


def plain_name(name: str) -> str:
    """The name by which the format is told: in lower case, without .gz."""
    return name.lower().removesuffix(".gz")


def kind_of_name(name: str) -> str:
    """For counting what is no dump by its name: "file *.txt", "file *.tar.gz"."""
    plain = Path(name.lower().removesuffix(".gz"))
    return f"file *{plain.suffix}{Path(name.lower()).name.removeprefix(plain.name)}"


def lines(name: str) -> Iterator[bytes]:
    """A file's lines with their newlines; the last one may have none.

    Raises Configuration if it cannot be opened. Raises Broken only after every byte that could be
    read has been given: a gz's checksum is at its end, and what stands before it may be good.
    """
    held: list[bytes] = []
    broken: Broken | None = None
    try:
        for chunk in _chunks(name):
            *whole, rest = chunk.split(b"\n")
            for line in whole:
                yield b"".join((*held, line, b"\n"))
                held.clear()
            if rest:
                held.append(rest)
    except Broken as error:
        broken = error
    if held:
        yield b"".join(held)
    if broken:
        raise broken


def _chunks(name: str) -> Iterator[bytes]:
    with _opened(name) as file:
        # The magic number, not the name: standard input has none, and names lie.
        stream = gzip.GzipFile(fileobj=file) if _is_gzip(file) else file
        first = True
        while chunk := _read(stream):
            if first and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                # PowerShell 5 writes UTF-16 when output is redirected.
                raise Broken("not-utf8", "the file is UTF-16: convert it to UTF-8")
            yield chunk.removeprefix(codecs.BOM_UTF8) if first else chunk
            first = False


def _read(stream: "io.BufferedReader[io.RawIOBase] | gzip.GzipFile") -> bytes:
    try:
        # read1 returns what it has before it meets an error, where read would lose it.
        return stream.read1(_CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Broken("bad-gzip", f"the gz is damaged from here on: {error}") from None
    except OSError as error:
        raise Broken("read-error", f"the file cannot be read on: {error.strerror}") from None


def _is_gzip(file: "io.BufferedReader[io.RawIOBase]") -> bool:
    try:
        return file.peek(2)[:2] == _GZIP
    except OSError as error:
        raise Broken("read-error", f"the file cannot be read: {error.strerror}") from None


def _opened(name: str) -> "io.BufferedReader[io.RawIOBase]":
    if name == STDIN and sys.stdin is None:
        raise Configuration("--from -: standard input is closed")
    try:
        # Standard input is not ours to close.
        raw: io.RawIOBase = _Borrowed(sys.stdin.buffer) if name == STDIN else io.FileIO(name)
        return io.BufferedReader(raw, _CHUNK)
    except OSError as error:
        raise Configuration(f"--from {name}: {error.strerror}") from None


class _Borrowed(io.RawIOBase):
    """A stream of somebody else's: read here, never closed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: Buffer
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
