"""Where logs are: words of a command line come in (files, patterns, folders, `-`), sources go out, the oldest first."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob, has_magic
from importlib import import_module
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from perfkit.errors import USAGE, PerfkitError

HEAD = 1 << 18
_GZIP, _BZIP2, _XZ, _ZSTANDARD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_TIME = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?")
_NUMBER = re.compile(r"\d+")
_NO_TEXT = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\0\b"))


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a stream that somebody else opened. `optional`: it was found in a folder and may be anything."""

    name: str
    path: Path | None = None
    stream: BinaryIO | None = None
    optional: bool = False

    @property
    def size(self) -> int | None:
        """Bytes on disk; None of a stream."""
        return None if self.path is None else os.stat(self.path).st_size

    @property
    def is_plain(self) -> bool:
        """Whether it is a file without compression."""
        return self.path is not None and self.path.is_file() and _packed(self.path) == b""


def expanded(words: Sequence[Source | Path | str], stdin: BinaryIO | None = None) -> list[Source]:
    """Raises PerfkitError for what is not there. A file named twice is read once."""
    found: dict[str, Source] = {}
    for word in words:
        try:
            sources = [word] if isinstance(word, Source) else list(_of(str(word), stdin))
        except OSError as error:
            why = f"{word} cannot be read: {error.strerror}."
            raise PerfkitError(why, "run as a user who may read it, or name other logs", USAGE) from None
        for source in sources:
            found.setdefault(os.path.realpath(source.path) if source.path else source.name, source)
    sources = list(found.values())
    return sorted(sources, key=_age) if len(sources) > 1 and all(source.path for source in sources) else sources


def _of(word: str, stdin: BinaryIO | None) -> Iterator[Source]:
    path = Path(word)
    if word == "-":
        if stdin is None:
            raise PerfkitError("there is no standard input to read.", "give the log as a file", USAGE)
        yield Source("-", stream=stdin)
    elif path.is_dir():
        files = [file for file in path.iterdir() if not file.name.startswith(".") and file.is_file()]
        if not any(file.stat().st_size for file in files):
            raise PerfkitError(f"{word} is a folder without logs.", "give the folder that the server logs to", USAGE)
        yield from (Source(str(file), file, optional=True) for file in files)
    elif path.exists():
        yield Source(word, path)
    elif has_magic(word):
        matches = [Path(match) for match in glob(word, recursive=True) if not os.path.isdir(match)]
        if not matches:
            raise PerfkitError(f"no file matches {word}.", "quote the pattern as the folder has it", USAGE)
        yield from (Source(str(match), match) for match in matches)
    else:
        raise PerfkitError(
            f"there is no file {word}.", "give a log file, a folder of logs, or - for standard input", USAGE
        )


def _age(source: Source) -> tuple[Any, ...]:
    assert source.path is not None
    with opened(source) as (stream, _):
        return age(stream, source.path.name, source.path.stat().st_mtime, source.name)


def age(stream: IO[bytes], file_name: str, modified: float, name: str) -> tuple[Any, ...]:
    """By the first time that the log itself names; rotated files (log.2) are older than log.1."""
    try:
        time = _TIME.search(stream.read(HEAD))
    except (OSError, EOFError, lzma.LZMAError):
        time = None
    numbers = [-int(number) for number in _NUMBER.findall(file_name)]
    return (time[0].replace(b"T", b" ") if time else b"", modified if not time else 0, numbers, name)


@contextmanager
def opened(source: Source) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The log's bytes, and the file as it lies on disk, whose `tell` shows how far it was read.

    Raises PerfkitError where it cannot be opened.
    """
    if source.stream is not None:
        yield source.stream, source.stream
        return
    assert source.path is not None
    try:
        raw = open(source.path, "rb")  # noqa: SIM115 (closed below, when the caller is done)
    except OSError as error:
        hint = "run as a user who may read it" if isinstance(error, PermissionError) else "give a file that can be read"
        raise PerfkitError(f"{source.name} cannot be read: {error.strerror}.", hint) from None
    with raw:
        yield unpacked(raw, source.name), raw


def unpacked(raw: BufferedReader[Any], name: str) -> IO[bytes]:
    """`raw` itself where it is not packed. Raises PerfkitError for what this Python cannot unpack."""
    kind = raw.peek(6)[:6]
    if kind.startswith(_GZIP):
        return cast(IO[bytes], gzip.open(raw))
    if kind.startswith(_BZIP2):
        return cast(IO[bytes], bz2.open(raw))
    if kind.startswith(_XZ):
        return cast(IO[bytes], lzma.open(raw))
    return _unpacked_zstandard(raw, name) if kind.startswith(_ZSTANDARD) else raw


def _unpacked_zstandard(raw: BinaryIO, name: str) -> IO[bytes]:
    for module in ("compression.zstd", "zstandard"):
        try:
            return cast(IO[bytes], import_module(module).open(raw, "rb"))
        except ImportError:
            continue
    raise PerfkitError(f"{name} is packed with zstd, which this Python cannot unpack.", "pip install 'perfkit[zstd]'")


def _packed(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(6)
    except OSError:
        return b""
    return next((kind for kind in (_GZIP, _BZIP2, _XZ, _ZSTANDARD) if head.startswith(kind)), b"")


def check_text(head: bytes, name: str) -> None:
    """Raises PerfkitError for what is no text at all."""
    if len(head.translate(None, _NO_TEXT)) < len(head) * 0.98 or head.count(b"\0") > len(head) * 0.6 > 1000:
        raise PerfkitError(f"{name} is no text.", "give a database's log, plain or packed with gzip, bzip2, xz or zstd")
