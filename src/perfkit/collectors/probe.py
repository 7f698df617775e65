"""Reads what the probe inside the target writes to the spool, while it is written: requests, spans, names, gaps."""

from __future__ import annotations

import math
import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfkit.collectors.assignments import Assignments
from perfkit.collectors.follow import Follow
from perfkit.collectors.function_names import FunctionNames
from perfkit.collectors.interface import Context
from perfkit.collectors.probe_events import Definition, Event, GarbledError, RequestEvent, SpanEvent, events
from perfkit.model.memory import Allocation, Container, Garbage, Heap, Import
from perfkit.model.recording import Frame, Gap, Process, Request, Span, SpanName
from perfkit.shared.units import plural

EVERY = 0.1
# What one poll decodes: a few milliseconds of work.
BYTES_A_POLL = 1 << 16
# Decoding a megabyte a second takes the target 7 % of its speed, on caches that it shares with us. So much is decoded meanwhile, which
# is all that most targets write; the rest waits until the target has ended, unless too much is there.
_BESIDE = 5_000  # bytes at once, ten times a second
_KEPT_FOR_LATER = 64 << 20
_HELLO = 1 << 12
# A process that lived for less than this may have ended before its probe could write.
LIVED = 1.0
# Each process numbers its parameters by itself.
_KEY_BITS = 40
_KEY_MASK = (1 << _KEY_BITS) - 1
_NAME = re.compile(r"(events-(\d+)-[0-9a-f]+)(-cut)?")


@dataclass
class Spooled:
    """One process's file, and what its numbers mean so far. Numbers of names and stacks become the recording's own."""

    path: Path
    pid: int
    offset: int = 0
    process: Process | None = None
    endpoints: dict[int, str] = field(default_factory=dict)
    names: dict[int, int] = field(default_factory=dict)
    stacks: dict[int, int] = field(default_factory=dict)
    garbled: bool = False
    cut: bool = False
    undefined: int = 0
    began: float = 0.0


class ProbeCollector:
    """Comes out: requests and spans on the run's clock, with stacks interned beside those of the samples."""

    def __init__(self, context: Context, follow: Follow, refused: Mapping[int, Gap] | None = None) -> None:
        """`refused` are the processes that let nobody in, which is said elsewhere."""
        self._refused: Mapping[int, Gap] = {} if refused is None else refused
        self._context = context
        self._follow = follow
        self._files: dict[str, Spooled] = {}
        self._names: dict[tuple[str, str], int] = {}
        self._assignments = Assignments()
        self._functions = FunctionNames()
        self._next = 0.0
        # The probe and perfkit read one clock, the machine's monotonic one.
        self._zero = time.monotonic() - context.clock()
        self._until = math.inf
        self.requests = 0
        self.spans = 0
        self.stack_seconds: defaultdict[int, float] = defaultdict(float)
        self.stack_bytes: defaultdict[int, int] = defaultdict(int)

    @staticmethod
    def variables(
        spool: str, project: tuple[str, ...], keep_literals: bool, memory: bool, calls: bool = False
    ) -> dict[str, str]:
        """What a launched target's environment needs for the probe."""
        return {
            "PERFKIT_TARGET_PROBE": "1",
            "PERFKIT_SPOOL": spool,
            "PERFKIT_TARGET_PROJECT": os.pathsep.join(project),
            **({"PERFKIT_TARGET_LITERALS": "1"} if keep_literals else {}),
            **({"PERFKIT_TARGET_MEMORY": "1"} if memory else {}),
            **({"PERFKIT_TARGET_CALLS": "1"} if calls else {}),
        }

    def poll(self) -> None:
        now = self._context.clock()
        if now >= self._next:
            self._find()
            # Who writes more than that is followed at each poll, and the rest is read when the target has ended.
            behind = self._read(self._share()) > BYTES_A_POLL // 2
            self._next = now if behind else now + EVERY

    def _share(self) -> int:
        """Bytes that are worth to be decoded now."""
        if self._context.live:
            return BYTES_A_POLL
        for spooled in self._files.values():
            if spooled.process is None and not spooled.garbled:
                self._read_one(spooled, _HELLO)  # who it is decides on who is sampled
        waiting = sum(_size_of(spooled.path) - spooled.offset for spooled in self._files.values())
        return BYTES_A_POLL if waiting > _KEPT_FOR_LATER else _BESIDE

    def stop(self) -> None:
        """What is still unread stays on disk until the target has ended: reading it would only keep the target waiting."""

    def take_last_words(self, until: float) -> None:
        """Read all that is left, with what processes kept in memory and wrote when they ended, of what was over by then
        (seconds of the run's clock). What they did in order to end is not measured, nor what children that live on do."""
        self._until = until
        self._find()
        ends = {name: _size_of(spooled.path) for name, spooled in self._files.items()}
        for name, spooled in self._files.items():
            while not spooled.garbled and spooled.offset < ends[name] and self._read_one(spooled, 1 << 22):
                pass
        self._say_where_it_is_missing()

    def give_up(self) -> None:
        """The files that were read so far are gone: what comes under their names does not continue them."""
        for spooled in self._files.values():
            spooled.garbled = True

    def _find(self) -> None:
        with os.scandir(self._context.spool) as entries:
            for entry in entries:
                match = _NAME.fullmatch(entry.name)
                if match:
                    spooled = self._files.setdefault(match[1], Spooled(Path(entry.path), int(match[2])))
                    if match[3] and not spooled.cut:
                        self._note_cut(spooled, Path(entry.path))

    def _note_cut(self, spooled: Spooled, path: Path) -> None:
        """The probe gave its file another name, because it could not write all of it."""
        spooled.cut, spooled.path = True, path
        self._context.sink.gap(
            Gap(
                f"what the probe saw in process {spooled.pid} from some moment on",
                "it could not write any more: the disk was full, a limit (ulimit) was reached, or it had written 1 GiB",
                "measure for a shorter time, or with room on the disk of the temporary folder (TMPDIR)",
            )
        )

    def _read(self, most: int) -> int:
        """How many bytes were read, over all files."""
        total = 0
        for spooled in self._files.values():
            if total >= most:
                break
            if not spooled.garbled:
                total += self._read_one(spooled, most - total)
        return total

    def _read_one(self, spooled: Spooled, most: int) -> int:
        data = _bytes_of(spooled.path, spooled.offset, most)
        requests: list[Request] = []
        spans: list[Span] = []
        done = 0
        try:
            for event, end in events(data):
                self._take(spooled, event, requests, spans)
                done = end
        except GarbledError as error:
            spooled.garbled = True
            self._context.sink.gap(
                Gap(
                    f"what the probe saw in process {spooled.pid} from some moment on",
                    f"its events cannot be read ({error}): another program wrote there, or the disk was full",
                    "measure again with room on the disk of the temporary folder (TMPDIR)",
                )
            )
        if done == 0 and len(data) == most and not spooled.garbled and most < 1 << 22:
            return self._read_one(spooled, 1 << 22)  # one definition that is longer than a poll takes
        spooled.offset += done
        self._context.sink.requests(requests)
        self._context.sink.spans(spans)
        self.requests += len(requests)
        self.spans += len(spans)
        return done

    def _take(self, spooled: Spooled, event: Event, requests: list[Request], spans: list[Span]) -> None:
        if isinstance(event, Definition):
            self._define(spooled, event)
        elif spooled.process is None:
            raise GarbledError("an event before the process is named")
        elif event.start + event.seconds - self._zero > self._until and not _is_count(event):
            return
        elif isinstance(event, SpanEvent):
            if event.name in spooled.names:
                spans.append(self._span(spooled, spooled.process, event))
            else:
                spooled.undefined += 1
        else:
            requests.append(self._request(spooled, spooled.process, event))

    def _define(self, spooled: Spooled, definition: Definition) -> None:
        fields = definition.fields
        try:
            if definition.kind == "hello":
                # Its number is that of the file: inside a PID namespace it has another one.
                parent, python, at = int(fields[1]), fields[2], float(fields[3]) - self._zero
                spooled.process, spooled.began = self._follow.known(spooled.pid, parent, python, at), at
            elif definition.kind == "endpoint":
                spooled.endpoints[int(fields[0])] = fields[1]
            elif definition.kind == "name":
                spooled.names[int(fields[0])] = self._name(fields[1], fields[2])
            elif definition.kind == "stack":
                spooled.stacks[int(fields[0])] = self._stack(spooled, fields[1:])
            elif definition.kind == "container":
                self._container(spooled, definition.fields)
            elif definition.kind in ("heap", "garbage", "import", "allocation"):
                self._memory(spooled, definition)
            elif definition.kind == "gap":
                self._context.sink.gap(Gap(*fields[:3]))
        except (ValueError, IndexError, TypeError) as error:
            raise GarbledError(f"a definition of {definition.kind[:20]!r}") from error

    def _memory(self, spooled: Spooled, definition: Definition) -> None:
        if spooled.process is None:
            raise GarbledError("memory before the process is named")
        sink, process, fields = self._context.sink, spooled.process.id, definition.fields
        at = float(fields[0]) - self._zero
        if definition.kind == "allocation":
            self._allocation(spooled, at, fields)
        elif definition.kind == "import":
            stack = self._stack(spooled, fields[3:])
            sink.imports([Import(at, process, stack, max(0, int(fields[1])), max(0.0, float(fields[2])))])
        elif definition.kind == "garbage":
            stack, generation, collected, freed = (max(0, int(text)) for text in fields[1:5])
            found = spooled.stacks.get(stack, 0)
            file = self._context.local_path(fields[6], spooled.process.cwd) if fields[6] else ""
            place = (file, max(0, int(fields[7])))
            sink.garbage([Garbage(at, process, found, generation, collected, freed, fields[5][:300], *place)])
        else:
            threads, anonymous, blocks, *parts, collections, full, collected = (int(text) for text in fields[1:12])
            live, arenas, used, free, mapped = map(_known, parts)
            seconds = float(fields[12]), float(fields[13])
            counts = (max(0, threads), max(0, anonymous), max(0, blocks))
            garbage = (max(0, collections), max(0, full), max(0, collected))
            sink.heaps([Heap(at, process, *counts, live, arenas, used, free, mapped, *garbage, *seconds)])

    def _allocation(self, spooled: Spooled, began: float, fields: tuple[str, ...]) -> None:
        assert spooled.process is not None
        ended, blocks, size = float(fields[1]) - self._zero, int(fields[2]), int(fields[3])
        frames = []
        for file, line in zip(fields[4::2], map(int, fields[5::2]), strict=True):
            file = self._context.local_path(file, spooled.process.cwd)
            origin = self._context.origins.of(file)
            frames.append(Frame(self._functions.of(file, line) if origin == "app" else "", file, line, origin))
        stack = self._context.sink.intern(tuple(frames))
        self._context.sink.allocations([Allocation(spooled.process.id, stack, began, ended, blocks, size)])
        self.stack_bytes[stack] += max(0, size)

    def _container(self, spooled: Spooled, fields: tuple[str, ...]) -> None:
        if spooled.process is None:
            raise GarbledError("a container before the process is named")
        at, name, kind, file, line, path = float(fields[0]) - self._zero, *fields[1:4], int(fields[4]), fields[5]
        length, size, bound, hits, misses = (int(text) for text in fields[6:11])
        file = self._context.local_path(file, spooled.process.cwd)
        place = (file, line) if line else self._assignments.find(file, path)
        self._context.sink.containers(
            [
                Container(
                    at,
                    spooled.process.id,
                    name,
                    kind,
                    *place,
                    max(0, length),
                    max(0, size),
                    _known(bound),
                    _known(hits),
                    _known(misses),
                )
            ]
        )

    def _name(self, text: str, system: str) -> int:
        number = self._names.get((text, system))
        if number is None:
            number = self._names[text, system] = len(self._names) + 1
            self._context.sink.name(SpanName(number, text, system))
        return number

    def _stack(self, spooled: Spooled, fields: tuple[str, ...]) -> int:
        cwd = spooled.process.cwd if spooled.process else None
        frames = []
        for function, file, line in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
            file = self._context.local_path(file, cwd)
            frames.append(Frame(function, file, int(line), self._context.origins.of(file)))
        return self._context.sink.intern(tuple(frames))

    def _span(self, spooled: Spooled, process: Process, event: SpanEvent) -> Span:
        stack = spooled.stacks.get(event.stack, 0)
        self.stack_seconds[stack] += event.seconds
        key = None if event.key is None else (process.id << _KEY_BITS) | (event.key & _KEY_MASK)
        start = event.start - self._zero
        # By place, which is faster: most of what is read are spans.
        return Span(
            process.id,
            event.request,
            event.kind,
            spooled.names[event.name],
            stack,
            start,
            event.seconds,
            event.count,
            key,
        )

    def _request(self, spooled: Spooled, process: Process, event: RequestEvent) -> Request:
        if event.endpoint not in spooled.endpoints:
            raise GarbledError("a request to something that was never defined")
        return Request(
            endpoint=spooled.endpoints[event.endpoint],
            start=event.start - self._zero,
            seconds=event.seconds,
            status=event.status,
            source="probe",
            process=process.id,
            number=event.number,
            kind=event.kind,
            cpu=event.cpu,
            size=event.size,
        )

    def _say_where_it_is_missing(self) -> None:
        files = sorted(self._files.values(), key=lambda spooled: spooled.began)
        spoke = {spooled.process.pid: spooled.began for spooled in files if spooled.process}
        for process in self._follow.lived(LIVED):
            replaced = self._follow.replaced.get(process.id, 0.0)
            ended = self._context.clock() if process.ended is None else process.ended
            if process.id in self._refused:
                continue
            if process.pid not in spoke:
                self._context.sink.gap(_missing(process, self._context.attached))
            elif spoke[process.pid] < replaced < ended - LIVED:
                self._context.sink.gap(_missing_since(process, replaced))
        for spooled in self._files.values():
            if spooled.undefined:
                self._context.sink.gap(
                    Gap(
                        f"{plural(spooled.undefined, 'span')} of process {spooled.pid}",
                        "they are about what was begun before the process was forked or became another user's: rows, queued work",
                        "open connections and start pools afterwards",
                    )
                )


def _is_count(event: Event) -> bool:
    """Told when there is time for it, of what was over before."""
    return isinstance(event, SpanEvent) and event.kind == "call"


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _bytes_of(path: Path, offset: int, most: int) -> bytes:
    """Of a regular file only: the folder may be open to other users where perfkit runs as root."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.pread(file, most, offset) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    finally:
        os.close(file)


def _size_of(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _missing_since(process: Process, second: float) -> Gap:
    return Gap(
        f"requests, routes and statements of process {process.pid} ({process.command[:60]}) from second {second:.0f} on",
        "it became another program by exec, in which the probe did not start: a sitecustomize before perfkit's, -I, -E or -S",
        "give perfkit the command that it becomes",
    )


def _missing(process: Process, attached: bool) -> Gap:
    what = f"requests, routes and statements of process {process.pid} ({process.command[:60]})"
    old = process.python is not None and tuple(map(int, process.python.split(".")[:2])) < (3, 9)
    if old:
        return Gap(what, f"the probe needs Python 3.9, and it runs {process.python}", "samples cover it from outside")
    if attached:
        return Gap(what, "the probe had not begun in it before measuring ended", "measure for longer")
    return Gap(
        what,
        "the probe did not start in it: -I, -E or -S ignores PYTHONPATH, and a cleared environment has none",
        "start it without these options, with the environment handed on",
    )
