"""Logs read by a Dask cluster: URLs come in, one SqlLog goes out, with the numbers that one process would give.

The workers find the files, cut them where records begin, and count each part by the code that reads logs here. The parts are added
in their order on this machine; until their turn comes they stay with the workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from perfkit.collectors.sqllog.dask_cluster import Cluster, connected, version_here
from perfkit.collectors.sqllog.digesting import Digester
from perfkit.collectors.sqllog.jobs import SMALLEST, Part, divided, read_part
from perfkit.collectors.sqllog.ledger import Ledger
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.reading import finished
from perfkit.collectors.sqllog.remote import Place, can_seek, opened_place, places
from perfkit.collectors.sqllog.sources import Source, age, unpacked
from perfkit.errors import FAILED, PerfkitError
from perfkit.model.sqllog import SqlLog

_LARGEST = 256 << 20
"""Bytes of a part: what a worker that dies has read in vain takes seconds."""
_PARTS_A_THREAD = 4

ClusterProgress = Callable[[int, int | None, int, tuple[int, int]], None]
"""Bytes read so far as they lie in the store, all bytes or None where a store does not tell, lines read, tasks done and all."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A PerfkitError of a worker, as a value: asking again would not help, so Dask need not."""

    message: str
    hint: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of a place that a task reads; `end` is None for all of it."""

    place: Place
    start: int = 0
    end: int | None = None

    @property
    def size(self) -> int:
        return (self.place.size or 0) if self.end is None else self.end - self.start


@dataclass(slots=True)
class _File:
    """A place, the tasks that read it, and those of them of which no `_brief` came yet."""

    place: Place
    ranges: list[Range] = field(default_factory=list)
    ledgers: list[Any] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    needs_all: bool = False


def read_on_dask(
    words: Sequence[str],
    scheduler: str,
    options: LogOptions | None = None,
    progress: ClusterProgress | None = None,
    smallest: int = SMALLEST,
) -> SqlLog:
    """`words` are fsspec URLs, patterns and folders of such, or paths that each worker sees. `scheduler` is an address or a
    scheduler file. Parts have `smallest` bytes at least.

    Raises PerfkitError for what cannot be read, and for a cluster that is not there, has another perfkit, or fails.
    """
    options = options or LogOptions()
    with connected(scheduler) as cluster:
        cluster.check_versions()
        found: list[Place] = _answer(cluster, places, list(words), os.getcwd())
        size = sum(place.size or 0 for place in found)
        part = min(max(smallest, size // max(1, cluster.threads * _PARTS_A_THREAD)), max(smallest, _LARGEST))
        asked = [_asked(cluster, looked_at, place, options, part) for place in found]
        looked = [(_checked(cluster.value(future)), place) for future, place in zip(asked, found, strict=True)]
        looked.sort(key=lambda one: one[0][0])
        files = [_File(place, ranges) for (_, ranges), place in looked]
        return _Reading(cluster, files, options, progress).log()


class _Reading:
    """The tasks under way."""

    def __init__(
        self, cluster: Cluster, files: list[_File], options: LogOptions, progress: ClusterProgress | None
    ) -> None:
        self._cluster, self._files, self._options, self._progress = cluster, files, options, progress
        self._sizes: dict[str, int] = {}
        self._briefed: dict[str, _File] = {}
        self._digester = Digester(options, Ledger())
        self._bytes = self._lines = self._done = 0

    def log(self) -> SqlLog:
        waiting = list(self._files)
        for file in self._files:
            self._submit(file, file.ranges)
        while waiting:
            while waiting and not waiting[0].open:
                file = waiting[0]
                if file.needs_all:
                    file.needs_all = False
                    self._cluster.forget(file.ledgers)
                    self._submit(file, [Range(file.place)])
                    break
                self._merge(waiting.pop(0))
            if waiting:
                self._hear()
        files = [(file.place.name, file.place.size or 0) for file in self._files]
        return finished(self._digester, files, self._options)

    def _submit(self, file: _File, ranges: list[Range]) -> None:
        file.ledgers = []
        for one in ranges:
            is_part = bool(file is not self._files[0] or one.start)
            ledger = _asked(self._cluster, read_range, one, self._options, is_part)
            brief = self._cluster.submit(_brief, ledger)
            self._cluster.announce(ledger)
            self._cluster.announce(brief)
            file.ledgers.append(ledger)
            file.open.add(brief.key)
            self._sizes[ledger.key] = one.size
            self._briefed[brief.key] = file

    def _hear(self) -> None:
        """Of one task that ended: that a part was read, or, where its worker has time to say so, what must be known of it."""
        future = self._cluster.next_announced()
        if future.key in self._sizes:
            self._bytes, self._done = self._bytes + self._sizes.pop(future.key), self._done + 1
        elif future.key in self._briefed:
            file = self._briefed.pop(future.key)
            file.open.discard(future.key)
            lines = _checked(self._cluster.value(future))
            file.needs_all = file.needs_all or lines is None
            self._lines += lines or 0
            self._cluster.forget([future])
        if self._progress is not None:
            whole = None if any(file.place.size is None for file in self._files) else self._whole()
            tasks = (self._done, self._done + len(self._sizes))
            self._progress(min(self._bytes, whole or self._bytes), whole, self._lines, tasks)

    def _whole(self) -> int:
        return sum(file.place.size or 0 for file in self._files)

    def _merge(self, file: _File) -> None:
        while file.ledgers:
            future = file.ledgers.pop(0)
            ledger = _checked(self._cluster.value(future))
            self._digester.incidents(self._digester.ledger.merge(ledger), self._digester.ledger.system)
            self._cluster.forget([future])


def _asked(cluster: Cluster, task: Callable[..., Any], *values: Any) -> Any:
    return cluster.submit(answered, task, version_here(), *values)


def _answer(cluster: Cluster, task: Callable[..., Any], *values: Any) -> Any:
    return _checked(cluster.value(_asked(cluster, task, *values)))


def _checked(value: Any) -> Any:
    if isinstance(value, Failure):
        raise PerfkitError(value.message, value.hint, value.exit_code)
    return value


def answered(task: Callable[..., Any], version: str, *values: Any) -> Any:
    """On a worker: what `task` gives, or a Failure. Workers that join late are asked for their version here."""
    own = version_here()
    if version != own:
        return Failure(
            f"a worker has perfkit {own}, and this machine {version}.",
            f"pip install perfkit=={version}, on each worker",
            FAILED,
        )
    try:
        return task(*values)
    except PerfkitError as error:
        return Failure(error.message, error.hint, error.exit_code)


def looked_at(place: Place, options: LogOptions, part: int) -> tuple[tuple[Any, ...], list[Range]]:
    """On a worker: what to sort a place by, and the ranges of some `part` bytes to read it in."""
    count = (place.size or 0) // part
    with _stream(place) as (stream, is_plain):
        key = age(stream, place.url.rpartition("/")[2], place.modified, place.name)
    if count < 2 or not is_plain or not can_seek(place):
        return key, [Range(place)]
    assert place.size is not None
    with _stream(place) as (stream, _):
        parts = divided(Source(place.name, optional=place.optional), stream, place.size, count, options)
    return key, [Range(place, one.start, one.end) for one in parts]


def read_range(one: Range, options: LogOptions, is_part: bool) -> Ledger | None:
    """On a worker. None where it cannot be read without those before it."""
    with _stream(one.place) as (stream, _):
        source = Source(one.place.name, stream=stream, optional=one.place.optional)  # type: ignore[arg-type]
        return read_part(Part(source, one.start, one.end, one.start == 0), options, is_part)


def _brief(ledger: Ledger | Failure | None) -> int | Failure | None:
    """On the worker that holds it: what must be known of it before its turn, its lines."""
    return ledger.lines if isinstance(ledger, Ledger) else ledger


@contextmanager
def _stream(place: Place) -> Iterator[tuple[IO[bytes], bool]]:
    with opened_place(place) as raw:
        stream = unpacked(raw, place.name)
        yield stream, stream is raw
