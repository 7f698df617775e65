"""Logs read by several processes: sources come in, one SqlLog goes out, with the numbers that one process would give.

Files are cut where records begin, each part is counted by itself, and the parts are added in their order. A log in which records
belong to others far before them is read by one process.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import IO

from perfkit.collectors.sqllog.blocks import Blocks
from perfkit.collectors.sqllog.detect import format_of
from perfkit.collectors.sqllog.digesting import Digester
from perfkit.collectors.sqllog.interface import LogFormat, Reader
from perfkit.collectors.sqllog.ledger import Ledger
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.reading import (
    Progress,
    digest_stream,
    finished,
    head_of,
    read_source,
    without_collector,
)
from perfkit.collectors.sqllog.repeats import Runs
from perfkit.collectors.sqllog.sources import Source, check_text, opened
from perfkit.errors import PerfkitError
from perfkit.model.sqllog import SqlLog

SMALLEST = 16 << 20
"""Bytes of a part: smaller ones would cost more to begin than they gain."""
_PARTS_A_JOB = 3
_LONGEST_SEARCH = 64 << 20  # bytes in which a record must begin; a file without one is not divided


@dataclass(frozen=True, slots=True)
class Part:
    """`end` is None for the whole source, whatever it is packed with."""

    source: Source
    start: int = 0
    end: int | None = None
    is_first: bool = True


def read_in_parts(
    sources: Sequence[Source], options: LogOptions, progress: Progress | None, smallest: int = SMALLEST
) -> SqlLog:
    """As `read_logs`. A stream is read by this process, once its turn comes."""
    parts = [part for source in sources for part in _divided(source, options, smallest)]
    whole = sum(source.size or 0 for source in sources)
    digester = Digester(options, Ledger())
    read = 0
    with ProcessPoolExecutor(options.jobs, mp_context=_context()) as pool:
        futures = {
            part: pool.submit(read_part, part, options, at > 0) for at, part in enumerate(parts) if part.source.path
        }
        try:
            for source in sources:
                for ledger in _ledgers(source, parts, futures, options, pool):
                    digester.incidents(digester.ledger.merge(ledger), digester.ledger.system)
                read += source.size or 0
                if progress is not None:
                    progress(read, whole, digester.ledger.lines)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return finished(digester, [(source.name, source.size or 0) for source in sources], options)


def _ledgers(
    source: Source,
    parts: Sequence[Part],
    futures: dict[Part, Future[Ledger | None]],
    options: LogOptions,
    pool: ProcessPoolExecutor,
) -> Iterator[Ledger]:
    own = [part for part in parts if part.source is source]
    if source.path is None:
        ledger = read_part(own[0], options, True)
        assert ledger is not None
        yield ledger
        return
    found = [futures[part].result() for part in own]
    ledgers = [ledger for ledger in found if ledger is not None]
    if len(ledgers) == len(found):
        yield from ledgers
        return
    is_part = own[0] is not parts[0]
    alone = pool.submit(read_part, Part(source), options, is_part).result()
    assert alone is not None
    yield alone


def read_part(part: Part, options: LogOptions, is_part: bool) -> Ledger | None:
    """`is_part`: others come before. None where the part cannot be read without them."""
    ledger = Ledger(Runs(is_part=is_part))
    digester = Digester(options, ledger)
    with without_collector():
        if part.end is None:
            read_source(part.source, options, digester, lambda _: None)
            return ledger
        with opened(part.source) as (stream, _):
            head = head_of(stream, part.source)
            found = format_of(head, options.format, part.source.name)
            reader = found.reader(head, options.prefix)
            ledger.formats[found.name] = None
            stream.seek(part.start)
            first = stream.read(min(1 << 16, part.end - part.start))
            if not part.is_first:
                _begin(reader)(b"\n" + first)
            blocks = Blocks(stream, reader, part.end - part.start - len(first), first.replace(b"\0", b""))
            try:
                digest_stream(blocks, reader, digester, part.source, lambda: _stop_if_ordered(reader))
            except _NeedsAll:
                return None
    return None if _is_ordered(reader) else ledger


class _NeedsAll(Exception):
    pass


def _stop_if_ordered(reader: Reader) -> None:
    if _is_ordered(reader):
        raise _NeedsAll


def _is_ordered(reader: Reader) -> bool:
    return bool(getattr(reader, "ordered", False))


def _begin(reader: Reader) -> Callable[[bytes], int]:
    begin: Callable[[bytes], int] = getattr(reader, "begin")  # noqa: B009 (an optional part of the protocol)
    return begin


def _divided(source: Source, options: LogOptions, smallest: int) -> list[Part]:
    size = source.size or 0
    count = min(options.jobs * _PARTS_A_JOB, size // smallest)
    if count < 2 or not source.is_plain:
        return [Part(source)]
    with opened(source) as (stream, _):
        return divided(source, stream, size, count, options)


def divided(source: Source, stream: IO[bytes], size: int, count: int, options: LogOptions) -> list[Part]:
    """`count` parts at most of a `stream` that is not packed; the source as a whole where its format does not allow any."""
    head = head_of(stream, source)
    try:
        check_text(head, source.name)
        found = format_of(head, options.format, source.name)
    except PerfkitError:
        return [Part(source)]
    if not hasattr(found.reader(head, options.prefix), "begin"):
        return [Part(source)]
    starts = [0]
    for number in range(1, count):
        start = _start(stream.seek, stream.read, found, head, options, size * number // count)
        if start is not None and start > starts[-1]:
            starts.append(start)
    ends = [*starts[1:], size]
    return [Part(source, start, end, start == 0) for start, end in zip(starts, ends, strict=True)]


def _start(
    seek: Callable[[int], int],
    read: Callable[[int], bytes],
    found: LogFormat,
    head: bytes,
    options: LogOptions,
    offset: int,
) -> int | None:
    """Where the first record begins that begins at `offset` or behind it."""
    seek(offset - 1)
    block = b""
    while len(block) < _LONGEST_SEARCH:
        more = read(max(1 << 16, len(block)))
        block += more
        if b"\0" in block:
            return None
        at = _begin(found.reader(head, options.prefix))(block)
        if at >= 0:
            return offset - 1 + at
        if not more:
            return None
    return None


def _context() -> multiprocessing.context.BaseContext:
    """A fork costs 10 ms, but must not copy a process with threads."""
    forks = sys.platform.startswith("linux") and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")
