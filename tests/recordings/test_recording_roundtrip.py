"""What a Writer was given is what load gives back."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_cases import (
    CALLS,
    CONTAINERS,
    FILES,
    GAP,
    HEAPS,
    LINES,
    LOAD,
    LOG,
    MACHINE,
    MAIN,
    MEMORY,
    NAMES,
    NOT_PLANNED,
    PARSE,
    PLAN,
    PROCESS,
    REQUESTS,
    RUN,
    SOURCES,
    THREAD_USAGE,
    THREADS,
    USAGE,
    WINDOW,
)

from perfkit.model.memory import Allocation, Garbage, Import, LineBytes, Rise
from perfkit.model.recording import (
    Frame,
    Gap,
    Process,
    Recording,
    Request,
    RequestKind,
    Run,
    Sample,
    SourceFile,
    SourceText,
    Span,
    SpanKind,
    SpanName,
    Thread,
)
from perfkit.recordings import Writer, load
from perfkit.recordings.migrations import MIGRATIONS
from perfkit.recordings.schema import SCHEMA_VERSION, TABLES
from recordings_from_text import recording_of

TEXT = st.text(st.characters() | st.characters(categories=["Cs"]) | st.just("\0"), max_size=12)


def test_every_noun_comes_back(recording: Path) -> None:
    found = load(recording)
    assert found.run == replace(RUN, sealed=True)
    assert found.processes == (PROCESS,)
    assert found.threads == THREADS
    assert found.windows == (WINDOW,)
    assert found.thread_usage == THREAD_USAGE
    assert found.usage == USAGE
    assert found.machine == MACHINE
    assert found.requests == REQUESTS
    assert found.names == {name.id: name for name in NAMES}
    assert found.calls == CALLS
    assert found.files == {file.path: file for file in FILES}
    assert found.sources == SOURCES
    assert found.gaps == (GAP,)
    assert (found.log, found.plans, found.not_planned) == (LOG, (PLAN,), (NOT_PLANNED,))
    assert (found.lines, found.memory, found.containers, found.heaps) == (LINES, MEMORY, CONTAINERS, HEAPS)
    assert [(found.stacks.expand(row.stack), replace(row, stack=0)) for row in found.line_bytes] == [
        ((MAIN, LOAD), LineBytes(1, 0, "load", "/srv/shop/app.py", 0, 36, 7, 90_000_000, 90_000_000)),
        ((), LineBytes(1, 0, "main", "/srv/shop/app.py", 3, 4, 60, 12_288, 8_192)),
    ]
    assert [(found.stacks.expand(row.stack), replace(row, stack=0)) for row in found.allocations] == [
        ((MAIN, LOAD), Allocation(1, 0, 0.5, 2.0, 300, 90_000)),
        ((), Allocation(1, 0, 0.5, 2.0, -3, -12_288)),
    ]
    (rise,) = found.rises
    assert replace(rise, stack=0) == Rise(1.25, 1, 62_000_000, 90_000_000, "MainThread", 0)
    assert found.stacks.expand(rise.stack) == (MAIN, LOAD)
    assert [(found.stacks.expand(seen.stack), replace(seen, stack=0)) for seen in found.garbage] == [
        ((MAIN, LOAD), Garbage(1.5, 1, 0, 0, 424, 90_000, "shop.Node 212, dict 212", "/srv/shop/app.py", 5)),
        ((), Garbage(2.5, 1, 0, 2, 7, 0, "", "", 0)),
    ]
    assert [(found.stacks.expand(seen.stack), replace(seen, stack=0)) for seen in found.imports] == [
        ((MAIN,), Import(1.5, 1, 0, 30_000_000, 0.5)),
        ((), Import(1.5, 1, 0, 900_000, 0.25)),
    ]
    assert found.path == str(recording)
    stacks = [(found.stacks.expand(sample.stack), sample.n, sample.seconds) for sample in found.samples]
    assert stacks == [((MAIN, LOAD, PARSE), 60, 0.625), ((MAIN, LOAD), 37, 0.375), ((), 97, 1.0)]
    spans = [(found.stacks.expand(span.stack), span._replace(stack=0)) for span in found.spans]
    assert spans == [
        ((MAIN, PARSE), Span(1, 7, "sql", 1, 0, 0.5, 0.0125, 3, -(2**63))),
        ((MAIN, LOAD), Span(1, 7, "render", 2, 0, 0.525, 0.0, 0)),
        ((), Span(1, 0, "gc", 2, 0, -0.25, 0.125, key=7)),
    ]


def test_every_table_was_written_and_every_noun_was_read(recording: Path) -> None:
    connection = sqlite3.connect(recording)
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    connection.close()
    assert 0 not in counts.values(), counts
    found = load(recording)
    assert all(getattr(found, field.name) for field in fields(Recording))


def test_the_writer_s_stack_ids_are_the_reader_s(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.perfkit", RUN)
    frames = [Frame(f"f{n}", f"/srv/{n % 3}.py", n, "app") for n in range(20)]
    for length in range(20):
        writer.intern(tuple(frames[length:]))
        writer.commit()
    writer.seal(RUN)
    found = load(tmp_path / "a.perfkit").stacks
    assert found.frames == writer.stacks.frames
    assert (found.parents, found.leaves) == (writer.stacks.parents, writer.stacks.leaves)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=9, max_size=9))
def test_any_text_comes_back(texts: list[str]) -> None:
    command, name, function, file, endpoint, what, source, distribution, cwd = texts
    run = replace(RUN, command=command, project=(cwd, file))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "text.perfkit"
        writer = Writer(path, run)
        writer.process(replace(PROCESS, command=command, cwd=cwd))
        writer.thread(Thread(1, 1, None, name))
        frame = Frame(function, file, 1, "app")
        writer.window(WINDOW, [Sample(1, 1, writer.intern((frame,)), 1, 0.5)], ())
        writer.requests([Request(endpoint, 0.0, 0.0, 200)])
        writer.name(SpanName(1, name, what))
        writer.gap(Gap(what, name, command))
        writer.file(SourceFile(file, "app", distribution, name))
        writer.source(SourceText(file, 1, source))
        writer.seal(run)
        found = load(path)
    assert found.run == replace(run, sealed=True)
    assert (found.processes[0].command, found.processes[0].cwd, found.threads[0].name) == (command, cwd, name)
    assert found.stacks.expand(found.samples.stack[0]) == (frame,)
    assert found.requests[0].endpoint == endpoint
    assert found.names == {1: SpanName(1, name, what)}
    assert found.gaps == (Gap(what, name, command),)
    assert found.files == {file: SourceFile(file, "app", distribution, name)}
    assert found.sources == (SourceText(file, 1, source),)


@given(number=st.floats(min_value=0, max_value=1e12), count=st.integers(0, 2**63 - 1))
@settings(max_examples=30, deadline=None)
def test_numbers_come_back_exactly(number: float, count: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.perfkit"
        writer = Writer(path, RUN)
        writer.process(replace(PROCESS, started=-number))
        writer.thread(THREADS[0])
        writer.window(replace(WINDOW, seconds=number, rounds=count), [Sample(1, 1, 0, count, number)], ())
        writer.seal(RUN)
        found = load(path)
    assert found.processes[0].started == -number
    assert (found.windows[0].seconds, found.windows[0].rounds) == (number, count)
    assert list(found.samples) == [Sample(1, 1, 0, count, number)]


COUNTS = st.integers(0, 2**63 - 1)
SECONDS = st.floats(min_value=0, max_value=1e12)
SPANS = st.builds(
    Span,
    process=st.just(1),
    request=COUNTS,
    kind=st.sampled_from(get_args(SpanKind)),
    name=st.integers(1, 2),
    stack=st.integers(0, 2),
    start=st.floats(-1e12, 1e12),
    seconds=SECONDS,
    count=st.none() | COUNTS,
    key=st.none() | st.integers(-(2**63), 2**63 - 1).filter(bool),
)
PROBED = st.builds(
    Request,
    endpoint=TEXT,
    start=st.floats(-1e12, 1e12),
    seconds=SECONDS,
    status=st.integers(0, 999),
    source=st.just("probe"),
    process=st.none() | st.just(1),
    number=st.none() | COUNTS,
    kind=st.none() | st.sampled_from(get_args(RequestKind)),
    cpu=st.none() | SECONDS,
    size=st.none() | COUNTS,
)


@given(spans=st.lists(SPANS, max_size=8), requests=st.lists(PROBED, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_span_and_request_comes_back(spans: list[Span], requests: list[Request]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spans.perfkit"
        writer = Writer(path, RUN)
        writer.process(PROCESS)
        assert [writer.intern((MAIN,)), writer.intern((MAIN, LOAD))] == [1, 2]
        for name in NAMES:
            writer.name(name)
        writer.spans(iter(spans))
        writer.requests(requests)
        writer.seal(RUN)
        found = load(path)
    assert list(found.spans) == spans
    assert found.requests == tuple(requests)


def test_spans_of_a_killed_recording_have_their_stacks(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    writer.name(NAMES[0])
    frames = [Frame(f"f{n}", "/x.py", n, "app") for n in range(4)]
    for number, frame in enumerate(frames):
        writer.spans([Span(1, number, "sql", 1, writer.intern((MAIN, frame)), 0.0, 0.5)])
        if number < 3:
            writer.commit()
    writer.close()
    found = load(path)
    assert [(span.request, found.stacks.expand(span.stack)) for span in found.spans] == [
        (number, (MAIN, frames[number])) for number in range(3)
    ]


def test_spans_from_text_go_into_a_file_and_back(tmp_path: Path) -> None:
    page = "flask>; orders@shop.py#search"
    made = recording_of(
        f"{page} 60",
        sources={"shop.py": "def orders(rows):\n    return rows.all()  #<search>"},
        spans=[
            (Span(1, 7, "sql", 0, 0, 0.5, 0.25, 3, 9), "SELECT 1", page),
            (Span(1, 7, "fetch", 0, 0, 0.75, 0.125), "SELECT 1", f"{page}; all@lib/orm.py:4"),
            (Span(1, 7, "render", 0, 0, 0.875, 0.125), "page.html", ""),
        ],
    )
    writer = Writer(tmp_path / "a.perfkit", made.run)
    writer.process(made.processes[0])
    for name in made.names.values():
        writer.name(name)
    writer.spans(span._replace(stack=writer.intern(made.stacks.expand(span.stack))) for span in made.spans)
    writer.seal(made.run)
    found = load(tmp_path / "a.perfkit")
    assert [name.text for name in found.names.values()] == ["SELECT 1", "page.html"]
    assert [span.name for span in found.spans] == [1, 1, 2]
    leaves = [found.stacks.expand(span.stack)[-1:] for span in found.spans]
    assert [[(frame.function, frame.line) for frame in leaf] for leaf in leaves] == [[("orders", 2)], [("all", 4)], []]


def test_more_spans_than_one_batch_of_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    writer.name(NAMES[0])
    writer.spans(Span(1, number, "fetch", 1, 0, number / 8, 0.5, number) for number in range(120_000))
    writer.seal(RUN)
    spans = load(path).spans
    assert spans.request.tolist() == spans.count.tolist() == list(range(120_000))
    assert spans.start[-1] == 119_999 / 8
    assert set(spans.kind) == {"fetch"}
    assert len({id(kind) for kind in spans.kind}) == 1


def test_the_file_s_origin_holds_for_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    writer.thread(THREADS[0])
    before, after = Frame("f", "/x.py", 1, "app"), Frame("f", "/x.py", 1, "library")
    stacks = [writer.intern((MAIN, before)), writer.intern((MAIN, after)), writer.intern((MAIN, after, PARSE))]
    writer.window(WINDOW, [Sample(1, 1, stack, 1, 0.1) for stack in stacks], ())
    writer.name(NAMES[0])
    writer.spans(Span(1, 0, "sql", 1, stack, 0.0, 0.1) for stack in stacks)
    writer.file(SourceFile("/x.py", "library"))
    writer.seal(RUN)
    found = load(path)
    expected = [(MAIN, after), (MAIN, after), (MAIN, after, PARSE)]
    assert [found.stacks.expand(stack) for stack in found.samples.stack] == expected
    assert [found.stacks.expand(stack) for stack in found.spans.stack] == expected


def test_a_later_row_of_the_same_id_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    ended = replace(PROCESS, ended=9.0)
    for process in (PROCESS, ended):
        writer.process(process)
    for origin in ("app", "library"):
        writer.file(SourceFile("/x.py", origin))  # type: ignore[arg-type]
        writer.source(SourceText("/x.py", 1, origin))
    for name in NAMES:
        writer.name(replace(name, id=1))
    writer.seal(replace(RUN, duration=31.0))
    found = load(path)
    assert found.processes == (ended,)
    assert found.files["/x.py"].origin == "library"
    assert found.sources == (SourceText("/x.py", 1, "library"),)
    assert found.names == {1: replace(NAMES[1], id=1)}
    assert found.run.duration == 31.0


def test_paths_are_written_once(recording: Path) -> None:
    connection = sqlite3.connect(recording)
    paths = [path for (path,) in connection.execute("SELECT path FROM path")]
    connection.close()
    assert len(paths) == len(set(paths)) == 3


def test_the_file_is_for_its_owner_alone_and_leaves_nothing_beside(recording: Path) -> None:
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    load(recording)
    assert [path.name for path in recording.parent.iterdir()] == ["all.perfkit"]


@pytest.mark.parametrize("name", ["a b?c#d%41.perfkit", "é–\udcff.perfkit", "x&mode=rw.perfkit"])
def test_any_file_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Writer(path, RUN).seal(RUN)
    assert load(path).run.sealed
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / "a.perfkit", tmp_path / "b.perfkit"]
    writers = [Writer(path, replace(RUN, command=path.name)) for path in paths]
    for number in range(1, 6):
        for writer in writers:
            writer.process(replace(PROCESS, id=number))
            writer.window(replace(WINDOW, id=number, process=number), (), ())
    for path, writer in zip(paths, writers, strict=True):
        writer.seal(replace(RUN, command=path.name))
        found = load(path)
        assert (found.run.command, len(found.windows)) == (path.name, 5)


def test_a_growing_recording_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    writer.window(WINDOW, (), ())
    writer.usage(USAGE)
    found = load(path)
    assert (len(found.windows), found.usage, found.run.sealed) == (1, (), False)
    writer.commit()
    assert load(path).usage == USAGE
    writer.close()


def test_an_older_file_is_brought_forward_without_changing_it(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = sqlite3.connect(recording)
    connection.execute("ALTER TABLE process RENAME COLUMN cwd TO folder")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    connection.commit()
    connection.close()
    before = recording.read_bytes()

    def step(older: sqlite3.Connection) -> None:
        older.execute("ALTER TABLE process RENAME COLUMN folder TO cwd")

    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, step)
    found = load(recording)
    assert found.processes == (Process(1, 811, None, "gunicorn", "3.11", -0.5, 30.0, "/srv/shop"),)
    assert isinstance(found.run, Run)
    assert recording.read_bytes() == before
