"""Modules that take much memory, and are not seen at work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import ClassVar

from perfkit.findings.heavy_import_chains import Asked, asked
from perfkit.findings.interface import MemoryCause, NotRunError, View, place
from perfkit.findings.memory_list import memory_of
from perfkit.findings.preload import sharers
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.shared import units
from perfkit.shared.origin import module_path

_LEAST = 24 << 20
# What an application makes for itself is its own to need: of all processes together.
_LEAST_TABLE = 64 << 20
# Of the process's own memory at its peak.
_SHARE = 0.15
# With fewer looks at what the application does, a module that works now and then may not have been seen.
_SAMPLES = 400


class HeavyImport:
    """A module takes much memory when it is imported, and was not seen at work.

    **What it sees.** With --memory: while a process starts, its size and its stack are looked at 200 times a second; what it grows by is
    charged to the project's line that imports. A library is reported from 24 MB and 15 % of the process on, where none of its
    functions was on a stack while the application worked. A module of the project is reported where its own lines make 64 MB in all
    processes of a server together: a table, a model, a file that is read whole.

    **Why it hurts.** Each process has it for its whole life, each worker and each command again.

    **Before**

        import pandas                            # for one report, in every worker

    **After**

        def report():
            import pandas                        # in the process that makes the report

    A table belongs into a file that is looked into (SQLite, `mmap`, `numpy.load(…, mmap_mode="r")`), or is loaded before workers fork.

    **When to ignore it.** It is needed, by something that this run did not do.
    """

    name: ClassVar[str] = "heavy-import"
    summary: ClassVar[str] = "a module takes much memory when it is imported, and was not seen at work"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory = memory_of(view)
        if not memory.imports:
            raise NotRunError("no process was seen to start: launch the target")
        if view.analysis.samples < _SAMPLES:
            raise NotRunError("too little was seen of the application at work: measure for longer")
        peaks = {process.process: process.peak for process in memory.processes}
        at_work = _at_work(view)
        # What was freed again is told of by the rules about free memory.
        room = {heap.process: (heap.loose or 0) + (heap.kept or 0) for heap in memory.heaps}
        for line in asked(view, memory.imports):
            each = max(size - room.get(process, 0) for process, size in line.by_process.items())
            largest = max((peaks.get(process, 0) for process in line.by_process), default=0)
            if each < max(_LEAST, _SHARE * largest):
                continue
            if line.loaded is None:
                if view.analysis.kind == "server" and each * len(line.by_process) >= _LEAST_TABLE:
                    yield self._table(view, line)
            elif _owner(view, line) not in at_work:
                yield self._library(view, line)

    def _library(self, view: View, line: Asked) -> MemoryCause:
        each, number, total = _bytes(view, line)
        what = _owner(view, line)
        claims = (
            Evidence(
                f"{units.plural(number, 'process')} grew by {units.size(each)} while it stood at this line.",
                each,
                "bytes",
                n=number,
            ),
            Evidence(
                f"None of {units.plural(view.analysis.samples, 'sample')} of the application at work found {what} on a stack.",
                view.analysis.samples,
                "samples",
                n=view.analysis.samples,
            ),
        )
        return self._cause(
            line,
            f"Importing {what} takes {units.size(each)}, and nothing was seen to use it",
            total,
            claims,
            f"import {what} inside the function that needs it, in the worker or command that runs that; or import the part of it that is "
            "used",
            Confidence("medium", "what this run did not do may need it"),
            what,
        )

    def _table(self, view: View, line: Asked) -> MemoryCause:
        each, number, total = _bytes(view, line)
        heaviest = line.lines.most_common(1)[0][0]
        name = PurePath(heaviest.file).name
        claims = (
            Evidence(
                f"{units.plural(number, 'process')} grew by {units.size(each)} at the top level of {name}, most at line "
                f"{heaviest.line}.",
                each,
                "bytes",
                n=number,
                where=place(heaviest),
            ),
        )
        return self._cause(
            line,
            f"Loading {name} takes {units.size(each)}",
            total,
            claims,
            "keep the table in a file that is looked into (SQLite, mmap, numpy.load(…, mmap_mode='r')), or in array, bytes or tuples "
            "instead of dicts; with several workers load it before they fork",
            Confidence("high", "the process grew while its own lines ran"),
            "",
        )

    def _cause(
        self,
        line: Asked,
        title: str,
        total: int,
        claims: tuple[Evidence, ...],
        advice: str,
        confidence: Confidence,
        detail: str,
    ) -> MemoryCause:
        return MemoryCause(
            rule=self.name,
            title=title,
            bytes=total,
            where=place(line.lines.most_common(1)[0][0]),
            evidence=claims,
            advice=Advice(advice),
            confidence=confidence,
            detail=detail,
        )


def _bytes(view: View, line: Asked) -> tuple[int, int, int]:
    """Of one process, the processes, and all of them together; workers that could share it have it once."""
    each = max(line.by_process.values())
    sharing = sharers(view)
    number = len(line.by_process)
    total = sum(size for process, size in line.by_process.items() if process not in sharing)
    shared = max((size for process, size in line.by_process.items() if process in sharing), default=0)
    return each, number, total + shared


def _owner(view: View, line: Asked) -> str:
    """The distribution that is imported, else its file."""
    if line.loaded is None:
        return ""
    return view.distribution(line.loaded)[0] or module_path(line.loaded.file)


def _at_work(view: View) -> set[str]:
    """Distributions and files with a function on a stack while the application worked."""
    found: set[str] = set()
    for stack in {time.stack for time in view.times}:
        for frame in view.analysis.stacks.expand(stack):
            if frame.function != "<module>":
                found.update(filter(None, (view.distribution(frame)[0], module_path(frame.file))))
    return found
