"""What one line of source does, as far as its text shows: C calls have no frame, so only the line names them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from perfkit.model.recording import SourceText

WaitKind = Literal["lock", "io", "sleep"]

_SLEEP = re.compile(r"\bsleep\s*\(")
_LOCK = re.compile(
    r"\.acquire\s*\(|\bwith\s[^#(]*(?:(?<![bc])(?<!un)lock|mutex|semaphore|condition)\w*\b[^#]*:|\.join\s*\(\s*(?:timeout|\))"
    r"|\.wait\s*\(|\bos\.wait(?:pid|id|3|4)?\s*\(|\.result\s*\(|(?:queue|_q|\bq)\.get\s*\(",
    re.IGNORECASE,
)
_IO = re.compile(
    r"\.(?:recv|recv_into|recvfrom|accept|connect|sendall|send|urlopen|communicate|getresponse)\s*\(|\burlopen\s*\("
    r"|\bsubprocess\.|\bos\.(?:read|write|fsync|system)\s*\(|\bselect\.select\s*\(|\.poll\s*\("
    r"|\.(?:execute|executemany|executescript|fetchone|fetchmany|fetchall|commit)\s*\("
)


class Lines:
    """The kept source of a recording by file and line."""

    def __init__(self, sources: Iterable[SourceText]) -> None:
        self._lines: dict[tuple[str, int], str] = {}
        self._functions: dict[str, list[SourceText]] = {}
        for source in sources:
            self._functions.setdefault(source.file, []).append(source)
            for offset, text in enumerate(source.text.split("\n")):
                self._lines[source.file, source.first_line + offset] = text

    def text(self, file: str, line: int) -> str | None:
        return self._lines.get((file, line))

    def function(self, file: str, line: int) -> SourceText | None:
        """The kept text that holds a line: the shortest one."""
        holding = [
            source
            for source in self._functions.get(file, ())
            if source.first_line <= line < source.first_line + source.text.count("\n") + 1
        ]
        return min(holding, key=lambda source: len(source.text), default=None)

    def wait(self, file: str, line: int) -> WaitKind | None:
        """What the line waits for, if it calls something that waits."""
        text = self.text(file, line)
        if text is None:
            return None
        if _SLEEP.search(text):
            return "sleep"
        if _LOCK.search(text):
            return "lock"
        return "io" if _IO.search(text) else None
