"""A log that is still written: what is added to it comes in, and after each addition a SqlLog of all that was read goes out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import BinaryIO

from perfkit.collectors.sqllog.blocks import BLOCK, KEPT, LONGEST
from perfkit.collectors.sqllog.detect import format_of
from perfkit.collectors.sqllog.digesting import Digester
from perfkit.collectors.sqllog.interface import Reader
from perfkit.collectors.sqllog.ledger import Ledger
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.reading import finished
from perfkit.collectors.sqllog.sources import Source, check_text, opened
from perfkit.errors import PerfkitError
from perfkit.model.sqllog import SqlLog


def _second() -> bool:
    time.sleep(1.0)
    return True


def follow_log(path: Path | str, options: LogOptions, wait: Callable[[], bool] = _second) -> Iterator[SqlLog]:
    """Yields whenever there is more to show. `wait` is called where the log has come to its end for now, and says whether to go on.

    The log may be renamed and made anew, or emptied while the server goes on (copytruncate). Its last record counts once the
    next one begins, or once nothing came after it for one `wait`. Raises PerfkitError as `read_logs` does.
    """
    source = Source(str(path), Path(path))
    with opened(source):
        following = _Following(source, options)
    try:
        goes_on = True
        while goes_on:
            if following.read():
                yield following.snapshot()
            goes_on = wait()
        following.settle()
        yield following.snapshot()
    finally:
        following.close()


class _Following:
    def __init__(self, source: Source, options: LogOptions) -> None:
        self._source = source
        self._options = options
        self._digester = Digester(options, Ledger())
        self._reader: Reader | None = None
        self._file: BinaryIO | None = None
        self._rest = b""
        self._bytes = 0

    def read(self) -> bool:
        """Whether anything was added since the last time."""
        found = self._read_on()
        if not found and self._rest:
            found = self._digest(last=self._rest.endswith(b"\n"))
        if self._is_replaced():
            found = self._read_on() or found
            self.settle()
            self.close()
            found = self._read_on() or found
        return found

    def settle(self) -> None:
        """Counts what is still open: nothing follows it."""
        self._digest(last=True)
        if self._reader is not None:
            self._digester.add(self._reader.finish(), self._reader)
        self._reader = None

    def snapshot(self) -> SqlLog:
        ledger = deepcopy(self._digester.ledger)
        return finished(Digester(self._options, ledger), [(self._source.name, self._bytes)], self._options)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def _read_on(self) -> bool:
        if self._file is None:
            try:
                self._file = open(str(self._source.path), "rb")  # noqa: SIM115 (open until it is replaced)
            except FileNotFoundError:
                return False
        found = False
        while chunk := self._file.read(BLOCK):
            self._bytes += len(chunk)
            self._rest += chunk.replace(b"\0", b"")
            found = self._digest(last=False) or found
        return found

    def _digest(self, last: bool) -> bool:
        if not self._rest.strip():
            return False
        reader = self._known_reader(last)
        if reader is None:
            return False
        end = reader.cut(self._rest, last)
        if not end and len(self._rest) > LONGEST:
            self._rest = self._rest[:KEPT] + b"\n"
            end = len(self._rest)
        if end:
            self._digester.add(reader.read(self._rest[:end]), reader)
            self._rest = self._rest[end:]
        return bool(end)

    def _known_reader(self, last: bool) -> Reader | None:
        if self._reader is None:
            check_text(self._rest, self._source.name)
            try:
                found = format_of(self._rest, self._options.format, self._source.name)
            except PerfkitError:
                if not last or len(self._rest) < BLOCK >> 4:
                    return None  # the first records may still come
                raise
            self._reader = found.reader(self._rest, self._options.prefix)
            self._digester.ledger.formats[found.name] = None
            self._digester.begin(self._reader)
        return self._reader

    def _is_replaced(self) -> bool:
        if self._file is None:
            return False
        mine = os.fstat(self._file.fileno())
        try:
            there = os.stat(str(self._source.path))
        except FileNotFoundError:
            return False
        if (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino):
            return True
        return there.st_size < self._file.tell()
