"""Logs become one SqlLog: sources and options come in; files are read one after the other, or by several processes at once."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from perfkit.collectors.sqllog.blocks import LONGEST, Blocks, read_up_to
from perfkit.collectors.sqllog.detect import format_of, nothing_understood
from perfkit.collectors.sqllog.digesting import Digester
from perfkit.collectors.sqllog.interface import Reader
from perfkit.collectors.sqllog.ledger import Ledger
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.sources import HEAD, Source, check_text, expanded, opened
from perfkit.errors import PerfkitError
from perfkit.model.sqllog import SqlLog

Progress = Callable[[int, int | None, int], None]
"""Bytes read so far as they lie on disk, all bytes or None where a stream has no end yet, and lines read."""


def read_logs(
    sources: Sequence[Source | Path | str],
    options: LogOptions | None = None,
    progress: Progress | None = None,
    stdin: BinaryIO | None = None,
) -> SqlLog:
    """All of them as one log; words may be files, patterns, folders, or `-` for `stdin`.

    Raises PerfkitError for what cannot be read, and for a file in which no format finds anything.
    """
    options = options or LogOptions()
    found = expanded(sources, stdin)
    if options.jobs > 1 and any(source.path for source in found):
        from perfkit.collectors.sqllog.jobs import read_in_parts

        return read_in_parts(found, options, progress)
    sizes = [source.size for source in found]
    whole = None if None in sizes else sum(size or 0 for size in sizes)
    ledger, before = Ledger(), 0
    digester = Digester(options, ledger)
    with without_collector():
        for source, size in zip(found, sizes, strict=True):
            read_source(source, options, digester, _offset(progress, before, whole, ledger))
            before += size or 0
    return finished(digester, [(source.name, source.size or 0) for source in found], options)


def finished(digester: Digester, files: Sequence[tuple[str, int]], options: LogOptions) -> SqlLog:
    """`files` by name, with their bytes on disk. Nothing can be added afterwards."""
    ledger = digester.ledger
    digester.incidents(list(ledger.waits.open.values()), ledger.system)
    return ledger.log(tuple(files), options)


def read_source(source: Source, options: LogOptions, digester: Digester, read: Callable[[int], None]) -> None:
    """`read` is told how many bytes of it, as they lie on disk, have been read."""
    with opened(source) as (stream, raw):
        head = head_of(stream, source)
        if not head.strip(b"\0\r\n\t "):
            digester.ledger.remarks[f"{source.name} is empty."] = None
            return
        try:
            check_text(head, source.name)
            format_found = format_of(head, options.format, source.name)
        except PerfkitError:
            if not source.optional:
                raise
            digester.ledger.remarks[f"{source.name} was left out: it is no log of a known format."] = None
            return
        digester.ledger.formats[format_found.name] = None
        reader = format_found.reader(head, options.prefix)
        lines, unparsed = digester.ledger.lines, digester.ledger.unparsed
        digest_stream(Blocks(stream, reader, first=head), reader, digester, source, lambda: read(position(raw)))
        lines, unparsed = digester.ledger.lines - lines, digester.ledger.unparsed - unparsed
        if lines and unparsed == lines:
            raise nothing_understood(source.name, format_found.name)


def digest_stream(blocks: Blocks, reader: Reader, digester: Digester, source: Source, read: Callable[[], None]) -> None:
    """All that is left of a log, or of a part of one."""
    digester.begin(reader)
    for block in blocks:
        digester.add(reader.read(block), reader)
        read()
    digester.add(reader.finish(), reader)
    remarks = digester.ledger.remarks
    remarks.update(dict.fromkeys(getattr(reader, "remarks", ())))
    if blocks.cut_records:
        remarks[f"{source.name}: {blocks.cut_records} records longer than {LONGEST >> 20} MB were cut off."] = None
    if blocks.broken:
        remarks[f"{source.name} ends in the middle of its packed data; what came before was read."] = None


def head_of(stream: IO[bytes], source: Source) -> bytes:
    """The first bytes without NULs. Raises PerfkitError where there are none to be had."""
    head, broken = read_up_to(stream, HEAD)
    if broken and not head:
        raise PerfkitError(f"{source.name} cannot be read: its packed data is broken.", "give a file that is whole")
    return head.replace(b"\0", b"")


def position(raw: IO[bytes]) -> int:
    try:
        return raw.tell()
    except (OSError, ValueError):
        return 0


@contextmanager
def without_collector() -> Iterator[None]:
    """Columns hold no cycles; looking for them would cost a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _offset(progress: Progress | None, before: int, whole: int | None, ledger: Ledger) -> Callable[[int], None]:
    if progress is None:
        return lambda _: None
    return lambda read: progress(before + read, whole, ledger.lines)
