"""Recordings from collapsed text, so that a test shows the stacks it is about and nothing else.

    recording_of('''
        flask>; orders@shop.py#search 60
        flask>; orders@shop.py#render; render@lib/jinja2/environment.py:1301 40
        thread rebuild; windows 1-2; run@std/threading.py:975; rebuild@jobs.py:7 30
        gil; thread rebuild; rebuild@jobs.py:7 30
    ''', sources={"shop.py": "def orders(rows):\\n    ..."})

A line is segments divided by `;`, root first, and a number of looks. `name@file:line` or `name@file#mark` is a frame; a
mark is the line of the source that ends in `#<mark>`. Files are `lib/…` (site-packages), `std/…` (standard library),
`<…>` (no file) or the project's. `word>` stands for the frames of a server (`ENTRIES`). Before the frames may stand
`thread NAME`, `process N`, `windows A-B` (from 1; else all of them), and `gil` for a look at the interpreter lock's holder.

Spans come with the text of their name and their frames, which number them:

    spans=[(Span(1, 7, "sql", 0, 0, 0.5, 0.01), "SELECT 1", "flask>; orders@shop.py#search")]
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perfkit.model.plan import Plan
from perfkit.model.recording import (
    Frame,
    MachineUsage,
    Process,
    Recording,
    Request,
    Run,
    Sample,
    Samples,
    SourceFile,
    SourceText,
    Span,
    SpanName,
    Spans,
    StackTable,
    Thread,
    ThreadUsage,
    Usage,
    Window,
)
from perfkit.model.sqllog import SqlLog
from perfkit.shared.functiontext import function_around
from perfkit.shared.origin import Origins, distribution_root

PROJECT = "/proj"
LIB = "/env/lib/python3.11/site-packages"
STD = "/usr/lib/python3.11"
RATE = 100.0

ENTRIES: Mapping[str, str] = {
    "script": "<module>@main.py:1",
    "flask": "run@lib/gunicorn/app/base.py:1; handle_request@lib/gunicorn/workers/sync.py:1; "
    "Flask.__call__@lib/flask/app.py:1; Flask.wsgi_app@lib/flask/app.py:2; Flask.dispatch_request@lib/flask/app.py:3",
    "django": "run@lib/gunicorn/app/base.py:1; handle_request@lib/gunicorn/workers/gthread.py:1; "
    "WSGIHandler.__call__@lib/django/core/handlers/wsgi.py:1; "
    "BaseHandler._get_response@lib/django/core/handlers/base.py:1",
    "fastapi": "<module>@bin/uvicorn:1; run@std/asyncio/runners.py:1; "
    "RequestResponseCycle.run_asgi@lib/uvicorn/protocols/http/h11_impl.py:1; "
    "run_endpoint_function@lib/fastapi/routing.py:1",
    "celery": "<module>@bin/celery:1; trace_task@lib/celery/app/trace.py:1; "
    "__protected_call__@lib/celery/app/trace.py:2",
}
_DISTRIBUTIONS = {"rest_framework": "djangorestframework", "yaml": "PyYAML", "jinja2": "Jinja2", "django": "Django"}
_MARK = re.compile(r"[ \t]*#<(?P<mark>[\w-]+)>")


@dataclass(frozen=True)
class Line:
    """One line of the text, read."""

    frames: tuple[Frame, ...]
    n: int
    thread: str = "MainThread"
    process: int = 1
    windows: tuple[int, ...] = ()
    gil: bool = False


@dataclass
class Sources:
    """Real source texts by file; marks are taken out of the text and remembered as lines."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def read(cls, sources: Mapping[str, str], shift: int) -> Sources:
        found = cls()
        for name, text in sources.items():
            file, lines = path_of(name), [""] * shift
            for line in textwrap.dedent(text).strip("\n").split("\n"):
                mark = _MARK.search(line)
                if mark:
                    found.marks[file, mark["mark"]] = len(lines) + 1
                lines.append(_MARK.sub("", line))
            found.texts[file] = lines
        return found

    def around(self, frames: Iterable[Frame]) -> tuple[SourceText, ...]:
        """What `keep_sources` would have kept: the functions around the sampled lines."""
        kept: dict[tuple[str, int], SourceText] = {}
        for frame in frames:
            lines = self.texts.get(frame.file, [])
            if 0 < frame.line <= len(lines):
                first, last = function_around(lines, frame.line)
                kept[frame.file, first] = SourceText(frame.file, first, "\n".join(lines[first - 1 : last]))
        return tuple(kept.values())


def path_of(name: str) -> str:
    """`lib/x.py`, `std/x.py` and `x.py` as absolute paths."""
    if name.startswith(("<", "/")):
        return name
    for short, folder in (("lib/", LIB), ("std/", STD)):
        if name.startswith(short):
            return f"{folder}/{name.removeprefix(short)}"
    return f"{PROJECT}/{name}"


def recording_of(
    text: str,
    *,
    sources: Mapping[str, str] | None = None,
    windows: int = 5,
    shift: int = 0,
    gil_rounds: int = 100,
    cpu: Mapping[str, float] | None = None,
    requests: Sequence[Request] = (),
    spans: Sequence[tuple[Span, str, str]] = (),
    machine: Sequence[MachineUsage] = (),
    usage: Sequence[Usage] = (),
    run: Mapping[str, object] | None = None,
    log: SqlLog | None = None,
    plans: Sequence[Plan] = (),
) -> Recording:
    """A recording of `windows` wall windows per process. `shift` moves all marked sources down by so many lines; `cpu` is
    the share of its sampled time that a thread was on a CPU by the kernel's account, by thread name."""
    known = Sources.read(sources or {}, shift)
    lines = [_line(row, known) for row in textwrap.dedent(text).strip().splitlines() if row.strip()]
    table, samples = StackTable(), Samples()
    threads: dict[tuple[int, str], Thread] = {}
    for line in lines:
        key = (line.process, line.thread)
        threads.setdefault(key, Thread(len(threads) + 1, line.process, None, line.thread))
    processes = sorted({line.process for line in lines}) or [1]
    length = max((_looks(lines, p, w, windows) for p in processes for w in range(1, windows + 1)), default=0) / RATE
    window_ids = {(p, kind, w): index for index, (p, kind, w) in enumerate(_keys(processes, windows), 1)}
    for line in lines:
        thread = threads[line.process, line.thread].id
        stack = table.intern(line.frames)
        for window, n in _spread(line, windows):
            kind = "gil" if line.gil else "wall"
            samples.append(Sample(window_ids[line.process, kind, window], thread, stack, n, n / RATE))
    columns, names = _spans(spans, table, known)
    recording = Recording(
        run=replace(RUN, duration=max(length * windows, 0.01)),
        stacks=table,
        samples=samples,
        processes=tuple(Process(p, 100 + p, 1 if p == 1 else 101, f"python {p}", "3.11", 0.0) for p in processes),
        threads=tuple(threads.values()),
        windows=tuple(
            Window(i, p, kind, (w - 1) * length, length, RATE, gil_rounds if kind == "gil" else round(length * RATE))  # type: ignore[arg-type]
            for (p, kind, w), i in window_ids.items()
            if kind == "wall" or any(line.gil for line in lines)
        ),
        requests=tuple(requests),
        spans=columns,
        names=names,
        machine=tuple(machine),
        usage=tuple(usage),
        files={frame.file: _file(frame) for frame in table.frames},
        sources=known.around(table.frames),
        log=log,
        plans=tuple(plans),
    )
    threads_usage = _usage(recording, cpu or {})
    return replace(recording, thread_usage=threads_usage, run=replace(recording.run, **(run or {})))  # type: ignore[arg-type]


RUN = Run(
    perfkit_version="0.1.0",
    mode="run",
    engine="py-spy",
    command="python main.py",
    cwd=PROJECT,
    project=(PROJECT,),
    started=1795246560.0,
    duration=1.0,
    rate=RATE,
    cores=2,
    platform="Linux x86_64",
    sealed=True,
)


def _line(row: str, known: Sources) -> Line:
    body, _, count = row.strip().rpartition(" ")
    line = Line((), int(count))
    frames: list[Frame] = []
    for segment in body.split(";"):
        segment = segment.strip()
        word, _, rest = segment.partition(" ")
        if segment.endswith(">") and segment[:-1] in ENTRIES:
            frames.extend(_frame(part.strip(), known) for part in ENTRIES[segment[:-1]].split(";"))
        elif word == "thread":
            line = replace(line, thread=rest)
        elif word == "process":
            line = replace(line, process=int(rest))
        elif word == "windows":
            first, _, last = rest.partition("-")
            line = replace(line, windows=tuple(range(int(first), int(last or first) + 1)))
        elif segment == "gil":
            line = replace(line, gil=True)
        elif segment:
            frames.append(_frame(segment, known))
    return replace(line, frames=tuple(frames))


def _frame(segment: str, known: Sources) -> Frame:
    function, _, place = segment.rpartition("@")
    name, mark = place.rpartition("#")[::2] if "#" in place else ("", "")
    if mark:
        file = path_of(name)
        line = known.marks[file, mark]
    else:
        name, _, number = place.rpartition(":")
        file, line = path_of(name), int(number)
    return Frame(function, file, line, Origins((PROJECT,)).of(file))


def _spans(
    spans: Sequence[tuple[Span, str, str]], table: StackTable, known: Sources
) -> tuple[Spans, dict[int, SpanName]]:
    """Statements are those of postgresql."""
    columns, names = Spans(), dict[tuple[str, str], SpanName]()
    for span, text, frames in spans:
        system = "postgresql" if span.kind in ("sql", "fetch", "transaction") else ""
        name = names.setdefault((text, system), SpanName(len(names) + 1, text, system))
        columns.append(span._replace(name=name.id, stack=table.intern(_line(f"{frames} 0", known).frames)))
    return columns, {name.id: name for name in names.values()}


def _spread(line: Line, windows: int) -> Iterable[tuple[int, int]]:
    """(window, looks): evenly, the first windows taking what is left over."""
    chosen = line.windows or tuple(range(1, windows + 1))
    each, rest = divmod(line.n, len(chosen))
    for index, window in enumerate(chosen):
        n = each + (1 if index < rest else 0)
        if n:
            yield window, n


def _keys(processes: Sequence[int], windows: int) -> list[tuple[int, str, int]]:
    return [(p, kind, w) for p in processes for kind in ("wall", "gil") for w in range(1, windows + 1)]


def _looks(lines: Sequence[Line], process: int, window: int, windows: int) -> int:
    """How many rounds a window has: those of its busiest thread."""
    by_thread: dict[str, int] = {}
    for line in lines:
        if line.process == process and not line.gil:
            by_thread[line.thread] = by_thread.get(line.thread, 0) + dict(_spread(line, windows)).get(window, 0)
    return max(by_thread.values(), default=0)


def _file(frame: Frame) -> SourceFile:
    installed = distribution_root(frame.file)
    if installed is None:
        return SourceFile(frame.file, frame.origin)
    top = installed[1].partition("/")[0].removesuffix(".py")
    return SourceFile(frame.file, frame.origin, _DISTRIBUTIONS.get(top, top), "1.0")


def _usage(recording: Recording, cpu: Mapping[str, float]) -> tuple[ThreadUsage, ...]:
    seconds: dict[tuple[int, int], float] = {}
    kinds = {window.id: window.kind for window in recording.windows}
    for sample in recording.samples:
        if kinds[sample.window] == "wall":
            key = (sample.window, sample.thread)
            seconds[key] = seconds.get(key, 0.0) + sample.seconds
    names = {thread.id: thread.name for thread in recording.threads}
    return tuple(
        ThreadUsage(window, thread, spent * cpu[names[thread]], 0.0)
        for (window, thread), spent in seconds.items()
        if names[thread] in cpu
    )
