"""Reading a recording: a path comes in, a `Recording` goes out, or a PerfkitError that says what is wrong with it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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
from perfkit.model.plan import NotPlanned
from perfkit.model.recording import (
    Call,
    Frame,
    Gap,
    MachineUsage,
    Process,
    Recording,
    Request,
    Run,
    SourceFile,
    SourceText,
    SpanName,
    StackTable,
    Thread,
    ThreadUsage,
    Usage,
    Window,
)
from perfkit.recordings.checks import DamagedError, check_column, check_references
from perfkit.recordings.codec import restored, unpacked
from perfkit.recordings.columns import read_samples, read_spans
from perfkit.recordings.logs import read_log, read_plans
from perfkit.recordings.opening import opened

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
S = TypeVar("S", Rise, Garbage, Import, LineBytes, Allocation)

_YEAR_10000 = 253_402_300_800.0  # seconds since the epoch: what a calendar cannot show was not written by a clock


def load(path: Path) -> Recording:
    """The recording in a file, of this format or an older one, sealed or not. The file is not changed, except that
    the half transaction of a killed writer is undone, as its journal says.

    A frame's origin is that of its file where the file is listed, else what the frame's own row says.
    """
    with opened(path) as connection:
        _check_pages(connection)
        return _recording(connection, path)


def load_run(path: Path) -> Run:
    """Only the circumstances: a few pages, however large the recording is. Of an older format, it reads the whole file."""
    with opened(path) as connection:
        return _run(connection)


def _recording(connection: sqlite3.Connection, path: Path) -> Recording:
    paths = _paths(connection)
    files = _files(connection, paths)
    frames = _frames(connection, paths, files)
    stacks, stack_ids = _stacks(connection, frames)
    recording = Recording(
        run=_run(connection),
        stacks=stacks,
        samples=read_samples(connection, stack_ids),
        processes=_table(connection, Process, "process"),
        threads=_table(connection, Thread, "thread"),
        windows=_table(connection, Window, "window"),
        thread_usage=_table(connection, ThreadUsage, "thread_usage"),
        usage=_table(connection, Usage, "usage"),
        machine=_table(connection, MachineUsage, "machine"),
        requests=_table(connection, Request, "request"),
        spans=read_spans(connection, stack_ids),
        names={name.id: name for name in _table(connection, SpanName, "span_name")},
        calls=_calls(connection, frames),
        lines=_table(connection, LineTime, "line"),
        line_bytes=_standing(connection, LineBytes, "line_bytes", stack_ids),
        allocations=_standing(connection, Allocation, "allocation", stack_ids),
        memory=_table(connection, MemoryUse, "memory"),
        rises=_standing(connection, Rise, "rise", stack_ids),
        containers=_table(connection, Container, "container"),
        heaps=_table(connection, Heap, "heap"),
        garbage=_standing(connection, Garbage, "garbage", stack_ids),
        imports=_standing(connection, Import, "import", stack_ids),
        files=files,
        sources=_sources(connection, paths),
        gaps=_table(connection, Gap, "gap"),
        log=read_log(connection),
        plans=read_plans(connection),
        not_planned=_table(connection, NotPlanned, "not_planned"),
        path=str(path),
    )
    _check_links(recording)
    return recording


def _check_pages(connection: sqlite3.Connection) -> None:
    # Also what keeps a forged file from looping: a page that is its own descendant is reported here.
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedError(" ".join(str(found).replace("***", "").split()))


def _run(connection: sqlite3.Connection) -> Run:
    known = {field.name for field in fields(Run)}
    values: dict[str, Any] = {}
    for key, text in connection.execute("SELECT key, value FROM run LIMIT 1000"):
        if key in known:
            values[key] = _json(key, text)
            check_column(Run, key, (values[key],))
    try:
        run = Run(**values)
    except TypeError as error:
        raise DamagedError("its run is incomplete") from error
    if not 0 <= run.started < _YEAR_10000:
        raise DamagedError("run.started is out of range")
    return run


def _json(key: str, text: object) -> object:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"run.{key} is not JSON") from error
    if not isinstance(value, list):
        return value
    if not all(isinstance(item, str) for item in value):
        raise DamagedError(f"run.{key} has a value of the wrong type")
    return tuple(value)


def _nouns(noun: type[T], rows: Iterable[Sequence[object]]) -> tuple[T, ...]:
    """Rows in the order of the noun's fields, checked column by column."""
    columns = [list(map(restored, column)) for column in zip(*rows, strict=True)]
    if not columns:
        return ()
    for field, column in zip(fields(noun), columns, strict=True):
        check_column(noun, field.name, column)
    return tuple(map(noun, *columns))


def _table(connection: sqlite3.Connection, noun: type[T], table: str) -> tuple[T, ...]:
    columns = ", ".join(field.name for field in fields(noun))
    return _nouns(noun, connection.execute(f"SELECT {columns} FROM {table}"))


def _paths(connection: sqlite3.Connection) -> dict[object, object]:
    return {number: restored(path) for number, path in connection.execute("SELECT id, path FROM path")}


def _files(connection: sqlite3.Connection, paths: dict[object, object]) -> dict[str, SourceFile]:
    rows = connection.execute("SELECT path, origin, distribution, version FROM file ORDER BY path")
    files = _nouns(SourceFile, ((_path(paths, number), *rest) for number, *rest in rows))
    return {file.path: file for file in files}


def _path(paths: dict[object, object], number: object) -> object:
    if number not in paths:
        raise DamagedError(f"path {number!r} is used but not there")
    return paths[number]


def _frames(
    connection: sqlite3.Connection, paths: dict[object, object], files: dict[str, SourceFile]
) -> dict[object, Frame]:
    rows = connection.execute("SELECT id, function, file, line, origin FROM frame ORDER BY id").fetchall()
    named = [(function, _path(paths, file), line, origin) for _, function, file, line, origin in rows]
    frames = _nouns(Frame, named)
    return {
        row[0]: Frame(frame.function, frame.file, frame.line, files[frame.file].origin)
        if frame.file in files
        else frame
        for row, frame in zip(rows, frames, strict=True)
    }


def _stacks(connection: sqlite3.Connection, frames: dict[object, Frame]) -> tuple[StackTable, dict[int, int]]:
    """The table, and its id for each id of the file: they part where a file's origin made two frames one."""
    table = StackTable()
    for frame in frames.values():
        table.frame_id(frame)
    ids: dict[int, int] = {0: 0}
    for number, parent, leaf in connection.execute("SELECT id, parent, frame FROM stack ORDER BY id"):
        if parent not in ids or leaf not in frames or number in ids:
            raise DamagedError(f"stack {number} does not stand on one before it")
        ids[number] = table.push(ids[parent], frames[leaf])
    return table, ids


def _calls(connection: sqlite3.Connection, frames: dict[object, Frame]) -> tuple[Call, ...]:
    rows = connection.execute(
        "SELECT process, caller, callee, calls, primitive_calls, self_seconds, total_seconds FROM call"
    ).fetchall()
    check_references("frame", [number for row in rows for number in row[1:3]], frames)
    return _nouns(Call, [(row[0], frames.get(row[1]), frames.get(row[2]), *row[3:]) for row in rows])


def _standing(connection: sqlite3.Connection, noun: type[S], table: str, stack_ids: dict[int, int]) -> tuple[S, ...]:
    """What was seen at a stack."""
    rows = _table(connection, noun, table)
    check_references("stack", (row.stack for row in rows), stack_ids)
    return tuple(replace(row, stack=stack_ids[row.stack]) for row in rows)


def _sources(connection: sqlite3.Connection, paths: dict[object, object]) -> tuple[SourceText, ...]:
    rows = connection.execute("SELECT file, first_line, text FROM source ORDER BY file, first_line")
    return _nouns(SourceText, ((_path(paths, file), line, unpacked(text)) for file, line, text in rows))


def _check_links(recording: Recording) -> None:
    """Whoever reads a recording may look up every id in it."""
    processes = {process.id for process in recording.processes}
    threads = {thread.id for thread in recording.threads}
    windows = {window.id for window in recording.windows}
    samples, spans = recording.samples, recording.spans
    inside = (recording.threads, recording.windows, recording.usage, recording.requests, recording.calls)
    zoomed = (recording.lines, recording.memory, recording.rises, recording.containers)
    heap = (recording.heaps, recording.garbage, recording.imports, recording.line_bytes, recording.allocations)
    for rows in (*inside, *zoomed, *heap):
        check_references("process", (row.process for row in rows), processes)
    check_references("process", spans.process, processes)
    check_references("name", spans.name, recording.names)
    check_references("thread", (row.thread for row in recording.thread_usage), threads)
    check_references("thread", samples.thread, threads)
    check_references("window", (row.window for row in recording.thread_usage), windows)
    check_references("window", samples.window, windows)
