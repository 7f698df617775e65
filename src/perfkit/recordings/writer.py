"""Writing a recording while it is measured: nouns come in, rows of the file go out, a batch at each commit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from operator import attrgetter
from pathlib import Path
from threading import RLock
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.model.memory import (
    Allocation,
    Container,
    Garbage,
    Heap,
    Import,
    LineBytes,
    LineTime,
    MemoryUse,
    Rise,
)
from perfkit.model.plan import NotPlanned, Plan
from perfkit.model.recording import (
    Call,
    Gap,
    MachineUsage,
    Process,
    Request,
    Run,
    Sample,
    SourceFile,
    SourceText,
    Span,
    SpanName,
    Stack,
    StackTable,
    Thread,
    ThreadUsage,
    Usage,
    Window,
)
from perfkit.model.sqllog import SqlLog
from perfkit.recordings.claim import claim
from perfkit.recordings.codec import packed, stored
from perfkit.recordings.failures import write_failure
from perfkit.recordings.logs import write_log, write_plans
from perfkit.recordings.opening import uri
from perfkit.recordings.schema import STATEMENTS

_TIMEOUT = 30.0  # seconds that a commit waits for a reader, which holds its lock while it loads


def _columns(noun: type) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(field.name for field in fields(noun)))


class Writer:
    """One recording, open for writing; threads may share it. Write processes, threads and names before what refers to them.

    Raises PerfkitError (exit code 125) where the file exists, cannot be made, or the disk fails. After a failed write
    every further write raises the same error: the file stays as it was at the last commit.
    """

    def __init__(self, path: Path, run: Run, overwrite: bool = False) -> None:
        self.path = path
        self.stacks = StackTable()
        self._lock = RLock()
        self._failure: PerfkitError | None = None
        self._path_ids: dict[str, int] = {}
        self._gaps: set[Gap] = set()
        self._frames_written = 0
        self._stacks_written = 1
        claim(path, overwrite)
        try:
            self._connection = _create(path)
        except sqlite3.Error as error:
            raise write_failure(path, error) from error
        self.run(run)
        self.commit()

    def intern(self, stack: Stack) -> int:
        with self._lock:
            return self.stacks.intern(stack)

    def run(self, run: Run) -> None:
        rows = [(field.name, json.dumps(getattr(run, field.name))) for field in fields(run)]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", rows)

    def process(self, process: Process) -> None:
        """Adds it, or replaces the one of that id."""
        self._insert("INSERT OR REPLACE INTO process", Process, [process])

    def thread(self, thread: Thread) -> None:
        """Adds it, or replaces the one of that id."""
        self._insert("INSERT OR REPLACE INTO thread", Thread, [thread])

    def window(self, window: Window, samples: Iterable[Sample], usage: Iterable[ThreadUsage] = ()) -> None:
        """One window with its samples (stacks by their id in `stacks`) and what the kernel accounted; commits."""
        with self._writing() as connection:
            self._insert("INSERT INTO window", Window, [window])
            connection.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?)", map(_columns(Sample), samples))
            self._insert("INSERT OR REPLACE INTO thread_usage", ThreadUsage, usage)
            self.commit()

    def usage(self, rows: Iterable[Usage]) -> None:
        self._insert("INSERT INTO usage", Usage, rows)

    def machine(self, row: MachineUsage) -> None:
        self._insert("INSERT INTO machine", MachineUsage, [row])

    def requests(self, rows: Iterable[Request]) -> None:
        self._insert("INSERT INTO request", Request, rows)

    def name(self, name: SpanName) -> None:
        """Adds it, or replaces the one of that id."""
        self._insert("INSERT OR REPLACE INTO span_name", SpanName, [name])

    def spans(self, rows: Iterable[Span]) -> None:
        """Stacks by their id in `stacks`, names by theirs, which must be there: a span of no name is damage."""
        with self._writing() as connection:
            connection.executemany("INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def calls(self, rows: Iterable[Call]) -> None:
        """Frames are interned as those of stacks are."""
        with self._writing() as connection:
            frame_id = self.stacks.frame_id
            connection.executemany(
                "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        row.process,
                        None if row.caller is None else frame_id(row.caller),
                        frame_id(row.callee),
                        row.calls,
                        row.primitive_calls,
                        row.self_seconds,
                        row.total_seconds,
                    )
                    for row in rows
                ),
            )

    def lines(self, rows: Iterable[LineTime]) -> None:
        self._insert("INSERT INTO line", LineTime, rows)

    def line_bytes(self, rows: Iterable[LineBytes]) -> None:
        """Stacks by their id in `stacks`."""
        self._insert("INSERT INTO line_bytes", LineBytes, rows)

    def allocations(self, rows: Iterable[Allocation]) -> None:
        """Stacks by their id in `stacks`."""
        self._insert("INSERT INTO allocation", Allocation, rows)

    def memory(self, rows: Iterable[MemoryUse]) -> None:
        self._insert("INSERT INTO memory", MemoryUse, rows)

    def rises(self, rows: Iterable[Rise]) -> None:
        """Stacks by their id in `stacks`."""
        self._insert("INSERT INTO rise", Rise, rows)

    def containers(self, rows: Iterable[Container]) -> None:
        self._insert("INSERT INTO container", Container, rows)

    def heaps(self, rows: Iterable[Heap]) -> None:
        self._insert("INSERT INTO heap", Heap, rows)

    def garbage(self, rows: Iterable[Garbage]) -> None:
        """Stacks by their id in `stacks`."""
        self._insert("INSERT INTO garbage", Garbage, rows)

    def imports(self, rows: Iterable[Import]) -> None:
        """Stacks by their id in `stacks`."""
        self._insert("INSERT INTO import", Import, rows)

    def file(self, file: SourceFile) -> None:
        """Adds it, or replaces the one of that path. Its origin holds for every frame of that path when it is read."""
        with self._writing() as connection:
            distribution, version = (
                None if text is None else stored(text) for text in (file.distribution, file.version)
            )
            row = (self._path_id(file.path), file.origin, distribution, version)
            connection.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", row)

    def source(self, source: SourceText) -> None:
        """Adds it, or replaces the one of that file and line."""
        with self._writing() as connection:
            row = (self._path_id(source.file), source.first_line, packed(source.text))
            connection.execute("INSERT OR REPLACE INTO source VALUES (?, ?, ?)", row)

    def gap(self, gap: Gap) -> None:
        """Identical gaps are written once."""
        with self._lock:
            if gap not in self._gaps:
                self._insert("INSERT INTO gap", Gap, [gap])
                self._gaps.add(gap)

    def log(self, log: SqlLog) -> None:
        with self._writing() as connection:
            write_log(connection, log)

    def plans(self, plans: Iterable[Plan], not_planned: Iterable[NotPlanned] = ()) -> None:
        """A plan replaces the one of its statement."""
        with self._writing() as connection:
            write_plans(connection, plans, not_planned)

    def commit(self) -> None:
        """From here on, what was written survives the death of perfkit."""
        with self._writing() as connection:
            self._write_stacks(connection)
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")

    def seal(self, run: Run) -> None:
        """Writes the run as ended in good order, commits and closes."""
        with self._lock:
            self.run(replace(run, sealed=True))
            self.commit()
            self.close()

    def close(self) -> None:
        """Drops what was not committed. Closing again does nothing."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._failure:
                raise self._failure
            try:
                yield self._connection
            except sqlite3.Error as error:
                # Part of the batch is gone with the transaction, and later rows would refer to it.
                self._failure = write_failure(self.path, error)
                self.close()
                raise self._failure from error

    def _insert(self, statement: str, noun: type, rows: Iterable[Any]) -> None:
        columns = _columns(noun)
        places = ", ".join("?" * len(fields(noun)))
        with self._writing() as connection:
            connection.executemany(
                f"{statement} VALUES ({places})",
                (tuple(stored(v) if isinstance(v, str) else v for v in columns(row)) for row in rows),
            )

    def _path_id(self, path: str) -> int:
        found = self._path_ids.get(path)
        if found is None:
            found = self._path_ids[path] = len(self._path_ids)
            self._connection.execute("INSERT INTO path VALUES (?, ?)", (found, stored(path)))
        return found

    def _write_stacks(self, connection: sqlite3.Connection) -> None:
        """Frames and stacks that are new since the last time. Repeating a row does no harm: Ctrl-C may come between."""
        table = self.stacks
        frames, stacks = len(table.frames), len(table)
        connection.executemany(
            "INSERT OR REPLACE INTO frame VALUES (?, ?, ?, ?, ?)",
            [
                (number, stored(frame.function), self._path_id(frame.file), frame.line, frame.origin)
                for number, frame in enumerate(table.frames[self._frames_written : frames], self._frames_written)
            ],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO stack VALUES (?, ?, ?)",
            [(number, table.parents[number], table.leaves[number]) for number in range(self._stacks_written, stacks)],
        )
        self._frames_written, self._stacks_written = frames, stacks


def _create(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri(path, "rw"), uri=True, isolation_level=None, check_same_thread=False, timeout=_TIMEOUT
    )
    try:
        # A rollback journal leaves one file behind; WAL would leave three, and cannot be read from a read-only folder.
        connection.execute("PRAGMA journal_mode = DELETE")
        # No fsync. The kernel keeps what a killed process wrote, so only a power loss could harm the file, while a
        # flush at each commit would compete with the target's own disk writes and so change what is measured.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        for statement in STATEMENTS:
            connection.execute(statement)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
