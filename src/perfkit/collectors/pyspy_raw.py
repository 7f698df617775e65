"""The text that `py-spy record --format raw --threads` writes: one line per thread and stack, root first.

`thread (4380): MainThread;main (/srv/app.py:12);work (/srv/app.py:5) 17`. Function names and paths may hold any character,
so a frame is recognised by its end, ` (file:line)`, and what does not parse is counted, never dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_THREAD = re.compile(
    r"thread \((?P<tid>0x[0-9A-Fa-f]+|\d+)\)(?:: (?P<name>.*?))?(?:;(?=[^;]* \((?:.*?:\d+|[^;]*)\)(?:;|$))|$)",
    re.DOTALL,
)
_FRAME = re.compile(r"(?P<function>.*?) \((?P<file>.*?)(?::(?P<line>\d+))?\)(?:;|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RawFrame:
    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class RawStack:
    """One line: `tid` is the kernel's thread id where py-spy found it, `n` how many looks saw this stack."""

    tid: int | None
    thread: str
    frames: tuple[RawFrame, ...]
    n: int


def parse(lines: Iterable[str]) -> Iterator[RawStack | str]:
    """The stacks of a raw file; a line that cannot be read comes out as the text it is."""
    for line in lines:
        line = line.rstrip("\n")
        if line.strip():
            yield parse_line(line) or line


def parse_line(line: str) -> RawStack | None:
    text, _, count = line.rpartition(" ")
    if not count.isdecimal():
        return None
    thread = _THREAD.match(text)
    tid, name = None, ""
    if thread:
        tid, name = int(thread["tid"], 0), thread["name"] or ""
        text = text[thread.end() :]
    frames = _frames(text)
    return None if frames is None else RawStack(tid, name, frames, int(count))


def _frames(text: str) -> tuple[RawFrame, ...] | None:
    frames: list[RawFrame] = []
    position = 0
    while position < len(text):
        match = _FRAME.match(text, position)
        if match is None:
            return None
        frames.append(RawFrame(match["function"], match["file"], int(match["line"] or 0)))
        position = match.end()
    return tuple(frames)
