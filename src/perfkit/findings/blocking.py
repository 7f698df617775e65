"""What holds an event loop's thread: timed blocks and sampled stacks come in, the call that waits there goes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from perfkit.findings.interface import LOOP, View
from perfkit.model.analysis import SpanUse, StackTime
from perfkit.model.recording import Frame, Stack
from perfkit.shared.frameworks import EVENT_LOOPS, POOLS, is_plumbing, listed, waits_for_io, waits_for_work
from perfkit.shared.origin import PROBE, module_path
from perfkit.shared.units import plural, seconds

# Where others have the CPU for this share of the time, a loop stands still wherever it happens to be: there only what
# does so again and again, in so many of its requests, is a cause.
CROWDED: Final = 0.3
AGAIN: Final = 5
OFTEN: Final = 0.1
SPAN: Final = "span:"
_DATABASE_SPANS: Final = frozenset(SPAN + kind for kind in ("sql", "fetch", "transaction", "connect", "pool"))
# By what a module's path begins with, the most telling first: a client of HTTP ends in a socket as well.
_FAMILIES: Final = (
    (
        "psycopg psycopg2 pymysql MySQLdb mysql/ sqlite3 sqlalchemy django/db peewee redis pymongo pymssql pyodbc",
        "database",
    ),
    ("requests/ urllib3 http/client urllib/request httpx/ httpcore/ httplib2 botocore boto3 grpc", "http"),
    ("subprocess", "process"),
    ("queue concurrent/futures threading multiprocessing", "lock"),
    ("pathlib shutil glob tempfile io.py codecs zipfile tarfile fileinput", "file"),
    ("socket ssl smtplib ftplib imaplib telnetlib paramiko", "socket"),
)
_FILE: Final = re.compile(r"((?:\bopen|[\w.]*\.(?:read_text|read_bytes|write_text|write_bytes)|os\.fsync))\s*\(")
_CALLS: Final = (
    ("sleep", re.compile(r"([\w.]*\bsleep)\s*\(")),
    (
        "process",
        re.compile(r"((?:subprocess|os)\.(?:run|call|check_call|check_output|getoutput|system|popen|wait\w*))\s*\("),
    ),
    ("http", re.compile(r"([\w.]*\b(?:urlopen|getresponse))\s*\(")),
    (
        "database",
        re.compile(
            r"((?:sqlite3|psycopg2?|pymysql|MySQLdb|mysql\.connector)\.connect|"
            r"[\w.]*\.(?:execute|executemany|executescript|fetchone|fetchmany|fetchall|commit))\s*\("
        ),
    ),
    ("file", _FILE),
    ("socket", re.compile(r"([\w.]*\.(?:recv|recv_into|recvfrom|accept|connect|sendall|send))\s*\(")),
    ("lock", re.compile(r"([\w.]*\.(?:acquire|join|wait|result|get)|with\s+[\w.]+)\s*[(:]")),
)
_FILE_METHOD: Final = re.compile(r"([\w.]*\.(?:read|readlines|write|writelines|flush))\s*\(")
# Handing work to a thread takes no time: a thread that is seen there had no CPU, or no interpreter lock.
_HANDS_OVER: Final = {
    "threading.py": {"start", "notify", "notify_all"},
    "queue.py": {"put_nowait"},
    "concurrent/futures/thread.py": {"submit", "_adjust_thread_count"},
    "asyncio/base_events.py": {"run_in_executor", "call_soon_threadsafe"},
    "anyio/_backends/_asyncio.py": {"run_sync_in_worker_thread"},
}
_OPENS: Final = re.compile(r"\bopen\s*\(")
_FILES: Final = ("pathlib", "shutil", "glob", "tempfile")
_IN_FILE_LIBRARY: Final = re.compile(r"_?(?:read|write|copy|rmtree|glob|stat|iterdir|mk)")


@dataclass(frozen=True)
class Wait:
    """A call that waits: the index of the frame that made it in `view.inner`, its name with brackets, and what it is about."""

    caller: int
    call: str
    family: str


@dataclass
class Blocks:
    """Timed blocks: how often, how long in all and at most, and the seconds of all requests that were there meanwhile."""

    count: int = 0
    charged: float = 0.0
    spent: float = 0.0
    longest: float = 0.0

    def add(self, use: SpanUse) -> None:
        self.count += use.count
        self.charged += use.seconds
        self.spent += use.spent
        self.longest = max(self.longest, use.percentiles[3])

    @property
    def mean(self) -> float:
        return self.spent / self.count if self.count else 0.0

    @property
    def behind(self) -> float:
        """How many requests waited beside the one that held the loop, on average over the time that it was held."""
        return max(0.0, self.charged / self.spent - 1.0) if self.spent else 0.0

    @property
    def others(self) -> float:
        """The share of the cost that is other requests' waiting."""
        return self.behind / (1 + self.behind)

    def sentence(self) -> str:
        held = f"It held the event loop {plural(self.count, 'time')}, for {seconds(self.mean)} on average (longest {seconds(self.longest)})"
        if self.behind < 0.05:
            return f"{held}; no other request was there to wait."
        return f"{held}; {_number(self.behind)} waited meanwhile."


def _number(requests: float) -> str:
    if requests < 10:
        return "1 other request" if f"{requests:.1f}" == "1.0" else f"{requests:.1f} other requests"
    return f"{requests:,.0f} other requests"


def blocks(view: View, claim: dict[int, float]) -> Blocks:
    """What was timed of the claimed stacks."""
    found = Blocks()
    for use in view.analysis.uses:
        if use.kind == "block" and use.stack in claim:
            found.add(use)
    return found


def crowded(view: View) -> bool:
    """Whether the target waited for a CPU so much that its loop stood still without a cause in its code."""
    machine = view.analysis.pressure
    return machine is not None and (machine.runqueue or 0.0) > CROWDED


def recurs(view: View, timed: Blocks, routes: set[str | None]) -> bool:
    """Whether requests of these routes were held up there again and again."""
    counts = {found.endpoint: found.requests or 0 for found in view.analysis.endpoints if found.source == "probe"}
    whole = any(route not in counts for route in routes)
    requests = sum(count for endpoint, count in counts.items() if whole or endpoint in routes)
    return timed.count >= max(AGAIN, OFTEN * requests)


def is_block(view: View, time: StackTime) -> bool:
    stack = view.analysis.stacks.expand(time.stack)
    return bool(stack) and stack[-1].file == LOOP


def on_loop(view: View, time: StackTime) -> bool:
    """Whether a request's sampled stack stands on an event loop's own thread, and not on one of its pool's."""
    frames = view.frames(time)
    below = any(listed(EVENT_LOOPS, frame) for frame in frames[: time.entry])
    return below and not any(listed(POOLS, frame) for frame in frames)


def held(view: View) -> Iterator[StackTime]:
    """Stacks on which an event loop's thread served requests: timed blocks, and samples."""
    for time in view.code:
        if is_block(view, time) or (view.analysis.kind == "server" and not time.timed and on_loop(view, time)):
            yield time


def wait_of(view: View, frames: Stack) -> Wait | None:
    """The call that waits at the end of a stack; None where code is at work, or an event loop does its own I/O."""
    if not frames:
        return None
    leaf = next((frame for frame in reversed(frames) if frame.file != PROBE), None)
    own = [frame.function for frame in frames if frame.file == PROBE and frame.function.startswith(SPAN)]
    database = bool(own) and own[-1] in _DATABASE_SPANS
    if leaf is None or (own and not database) or takes_no_time(frames):
        return None
    if not (database or _waits(view, leaf)):
        return None
    caller = _caller(view, frames)
    if caller is None:
        return None
    above = frames[caller + 1 :]
    family = "database" if database else _family(above)
    callee = next((frame for frame in above if frame.file != PROBE), None)
    if callee is not None:
        slept = not family and view.lines.wait(leaf.file, leaf.line) == "sleep"
        return Wait(caller, _name(callee), "sleep" if slept else family or "socket")
    named = _named(view, frames[caller], family)
    return None if named is None else Wait(caller, *named)


def _waits(view: View, leaf: Frame) -> bool:
    if waits_for_work(leaf) or waits_for_io(leaf) or view.lines.wait(leaf.file, leaf.line):
        return True
    return _file_call(view, leaf) is not None


def takes_no_time(frames: Stack) -> bool:
    """The loop's own reading and writing goes on without waiting, and so does handing work to a thread."""
    inner = next((i for i in range(len(frames) - 1, -1, -1) if frames[i].origin == "app"), -1)
    if any(listed(_HANDS_OVER, frame) for frame in frames[inner + 1 :]):
        return True
    last = next((frame for frame in reversed(frames) if frame.origin == "app" or not _is_stdlib_wait(frame)), None)
    return last is not None and (module_path(last.file).startswith(("asyncio/", "uvloop/")))


def _is_stdlib_wait(frame: Frame) -> bool:
    return frame.file == PROBE or module_path(frame.file) in ("socket.py", "ssl.py", "selectors.py")


def _caller(view: View, frames: Stack) -> int | None:
    """The innermost project frame, else the innermost of a library that does not merely carry requests."""
    own = [index for index, frame in enumerate(frames) if view.is_project(frame)]
    if own:
        return own[-1]
    library = [
        index
        for index, frame in enumerate(frames)
        if frame.origin == "library" and not is_plumbing(view.distribution(frame)[0])
    ]
    return library[0] if library else None


def _family(frames: Stack) -> str:
    paths = [module_path(frame.file) for frame in frames if frame.file != PROBE]
    for starts, family in _FAMILIES:
        if any(path.startswith(tuple(starts.split())) for path in paths):
            return family
    return ""


def _named(view: View, frame: Frame, family: str) -> tuple[str, str] | None:
    """The call and its family as the line itself tells them: C code has no frame."""
    text = view.lines.text(frame.file, frame.line) or ""
    for kind, pattern in _CALLS:
        found = pattern.search(text)
        if found:
            name = found[1].removeprefix("with ").strip()
            return (f"{name}()" if not found[1].startswith("with") else f"taking {name}"), kind
    call = _file_call(view, frame)
    if call is not None:
        return f"{call}()", "file"
    return ("a database call", "database") if family == "database" else None


def _file_call(view: View, frame: Frame) -> str | None:
    """`open`, `file.read` where the function around the line opens a file, or what a library of files does."""
    if frame.origin == "stdlib":
        last = frame.function.rpartition(".")[2]
        return last if module_path(frame.file).startswith(_FILES) and _IN_FILE_LIBRARY.match(last) else None
    text = view.lines.text(frame.file, frame.line) or ""
    found = _FILE.search(text)
    if found:
        return found[1]
    method = _FILE_METHOD.search(text)
    source = view.lines.function(frame.file, frame.line) if method else None
    return method[1] if method and source is not None and _OPENS.search(source.text) else None


def _name(frame: Frame) -> str:
    """`requests.get()`, `time.sleep()`, `subprocess.run()`."""
    path = module_path(frame.file).removesuffix(".py")
    parts = path.removesuffix("/__init__").split("/")
    module = ".".join(parts) if frame.origin == "stdlib" else parts[0]
    return f"{module}.{frame.function.replace('.<locals>', '')}()"
